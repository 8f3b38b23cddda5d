"""Phone numbers: any spelling to E.164, E.164 to what people read, and the digits a search looks for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from leadtui.errors import Invalid
from leadtui.text import clean_line

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

RAW_LIMIT = 60
"""Characters of a phone as typed; far above any real spelling, so that nobody feeds a book to the parser."""

_TEL_URI = re.compile(r"^\s*(?:tel|phone|whatsapp)\s*[:.]\s*", re.IGNORECASE)
_EXTENSION = re.compile(
    r"\d\s*(?:[;,]?\s*(?:ext(?:ension|n)?\b\.?|ext\.?=?|x)\s*[.:=]?\s*\d+|#\s*\d+|[;,]+\s*\d+\s*#?)\s*$", re.IGNORECASE
)
_SPREADSHEET_FLOAT = re.compile(r"^(\d{7,15})\.0$")
_SPELLING = re.compile(r"[0-9 +\-().\/]+")
_NOT_DIGIT = re.compile(r"[^0-9]")


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone number.

    `e164` is what is stored and compared ("+254722000111"), `raw` what was typed, `national` how its own country writes
    it ("0722 000 111"). `is_valid` is false for a number that is possible but unlikely (an unassigned prefix): the
    caller warns and goes on (spec AJ16).
    """

    e164: str
    raw: str
    national: str
    is_valid: bool


def parse(text: str, region: str, *, field: str = "phone") -> Phone:
    """Read `text` as a phone of `region` (ISO country, "KE") unless it carries a country code.

    Accepts any digits of Unicode, blanks and dashes of every kind, `( ) . /`, a `tel:` prefix, and `00254…` as a
    spelling of `+254…` (contract answer 11). An extension and vanity letters are refused: a WhatsApp message or an SMS
    cannot use them, and silently dropping either would store a number nobody typed.

    Raises:
        Invalid: not a possible number; `field` names the input and the hint shows two accepted spellings.
    """
    raw = clean_line(text, field=field, limit=RAW_LIMIT)
    spelled = _plain(raw)
    if not spelled:
        raise _refusal(raw, region, field, "there is no number in it")
    result = _read(spelled, region.upper())
    if isinstance(result, str):
        raise _refusal(raw, region, field, result)
    e164, national, is_valid = result
    return Phone(e164, raw, national, is_valid)


def _refusal(raw: str, region: str, field: str, reason: str) -> Invalid:
    shown = f'"{raw}" is not a phone number' if raw else "the phone is empty"
    return Invalid(
        f"{shown}: {reason}" if raw else shown, field=field, hint=f"write it like {_example(region.upper())}"
    )


def _plain(text: str) -> str:
    """`text` with digits, dashes and blanks of every script made ASCII and the wrappings of files and links taken
    off.
    """
    text = text.strip()
    if not text.isascii():
        text = "".join(_plain_char(char) for char in unicodedata.normalize("NFKC", text)).strip()
    text = text.removeprefix("'")  # how spreadsheets force a cell to be text
    text = _TEL_URI.sub("", text)
    return _SPREADSHEET_FLOAT.sub(r"\1", text)


def _plain_char(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category == "Pd" or char == "\u2212":  # every dash, and the minus sign
        return "-"
    if category.startswith("Z"):
        return " "
    return "" if category == "Cf" else char


@lru_cache(maxsize=65536)
def _read(spelled: str, region: str) -> tuple[str, str, bool] | str:
    """The number in `spelled` as (E.164, national form, valid), or the reason why there is none."""
    if not _SPELLING.fullmatch(spelled):
        if _EXTENSION.search(spelled):
            return "extensions are not kept, put it in the notes"
        if any(char.isalpha() for char in spelled):
            return "write digits, not letters"
        return "only digits, blanks and + - ( ) . / can stand in it"
    digits = _NOT_DIGIT.sub("", spelled)
    start = spelled.lstrip(" (-./")
    if "+" in start[1:]:
        return "a + can only stand in front"
    international = start.startswith("+")
    # 00 is dialled for + nearly everywhere, though not in Kenya (000): people and address books write it regardless.
    if digits.startswith("00") and (international or not digits.startswith("000")):
        international, digits = True, digits[2:]
    if len(digits) > 20:
        return "it is too long"
    return _from_digits(digits, region, international=international)


def _from_digits(digits: str, region: str, *, international: bool) -> tuple[str, str, bool] | str:
    import phonenumbers
    from phonenumbers import PhoneNumberFormat, ValidationResult

    home = _home_mobile(region)
    significant = home.significant(digits, international=international) if home else None
    if home and significant:
        e164 = f"+{home.country_code}{significant}"
        return e164, _national(phonenumbers.PhoneNumber(home.country_code, int(significant))), True
    try:
        number = phonenumbers.parse(f"+{digits}" if international else digits, region)
    except phonenumbers.NumberParseException as error:
        return _REASONS.get(error.error_type, "it cannot be read")
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != ValidationResult.IS_POSSIBLE:
        return {
            ValidationResult.TOO_SHORT: "it is too short",
            ValidationResult.TOO_LONG: "it is too long",
            ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "its area code is missing",
            ValidationResult.INVALID_COUNTRY_CODE: "no country has this code",
        }.get(possible, "it has the wrong number of digits")
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    is_valid = phonenumbers.is_valid_number(number)
    # Numbers with zeros to spare (000000000) change each time they are read: the stored one would never be found again.
    if not is_valid and phonenumbers.parse(e164, None) != _bare(number):
        return "it begins with too many zeros"
    return e164, _national(number), is_valid


def _bare(number: PhoneNumber) -> PhoneNumber:
    """`number` without the traces of how it was spelled."""
    from phonenumbers import PhoneNumber

    return PhoneNumber(
        number.country_code,
        number.national_number,
        italian_leading_zero=number.italian_leading_zero,
        number_of_leading_zeros=number.number_of_leading_zeros,
    )


@dataclass(frozen=True, slots=True)
class _HomeMobile:
    """What is needed to know a mobile number of one's own country without the full parser.

    Nearly every number of an import is one; the full parser takes three times as long (100,000 parses in 2.5 s is the
    budget). A test holds this path to the parser's answers.
    """

    country_code: int
    longest: int
    pattern: re.Pattern[str]

    def significant(self, digits: str, *, international: bool) -> str | None:
        """The national significant number when `digits` is a mobile of this country, else `None`."""
        code = str(self.country_code)
        if international:
            rest = digits[len(code) :] if digits.startswith(code) else ""
        elif digits.startswith("0"):
            rest = digits[1:]
        # The country code without + : only where the whole is too long to be a number of the country itself.
        elif len(digits) > self.longest and digits.startswith(code):
            rest = digits[len(code) :]
        else:
            rest = digits
        return rest if self.pattern.fullmatch(rest) else None


@lru_cache(maxsize=256)
def _home_mobile(region: str) -> _HomeMobile | None:
    """The short path for `region`, or `None` where its numbering is not simple (shared codes, rewritten prefixes)."""
    from phonenumbers import PhoneMetadata, region_codes_for_country_code

    data = PhoneMetadata.metadata_for_region(region, None)
    if data is None or data.country_code is None or data.mobile is None or data.general_desc is None:
        return None
    prefixes = (data.national_prefix_for_parsing or "").split("|")
    simple = (
        data.national_prefix == "0"
        and "0" in prefixes
        and all(map(str.isdigit, prefixes))
        and data.national_prefix_transform_rule is None
        # The first region of a shared code (GB of 44) is the one whose rules the library tries first.
        and region_codes_for_country_code(data.country_code)[0] == region
        and data.mobile.national_number_pattern
    )
    if not simple:
        return None
    # A significant number that itself begins like a prefix needs the parser's care.
    return _HomeMobile(
        data.country_code,
        max(data.general_desc.possible_length),
        re.compile(f"(?!{data.national_prefix_for_parsing})(?:{data.mobile.national_number_pattern})"),
    )


def _national(number: PhoneNumber) -> str:
    """The number as its own country writes it. Kenya's mobiles as people there do, 0722 000 111: the library joins the
    last six digits."""
    from phonenumbers import PhoneNumberFormat, format_number

    if number.country_code == 254:
        digits = str(number.national_number)
        if len(digits) == 9 and digits[0] in "17":
            return f"0{digits[:3]} {digits[3:6]} {digits[6:]}"
    return str(format_number(number, PhoneNumberFormat.NATIONAL))


_REASONS = {  # NumberParseException.error_type
    0: "no country has this code",
    1: "there is no number in it",
    2: "it is too short",
    3: "it is too short",
    4: "it is too long",
}


@lru_cache(maxsize=256)
def _example(region: str) -> str:
    """Two spellings that would be accepted in `region`: "0712 123456 or +254712123456"."""
    import phonenumbers
    from phonenumbers import PhoneNumberFormat, PhoneNumberType

    if region == "KE":  # the spelling of the source documents
        return "0722 000 111 or +254722000111"
    number: PhoneNumber | None = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        return "+254722000111, with the country code"
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    return f"{national} or {phonenumbers.format_number(number, PhoneNumberFormat.E164)}"


@lru_cache(maxsize=16384)
def format_phone(e164: str, region: str) -> str:
    """Return a stored number for reading: national form inside its own country ("0722 000 111"), else international.

    Anything that is not E.164 comes back as it is: showing a list must not fail on one old row.
    """
    import phonenumbers
    from phonenumbers import PhoneNumberFormat

    if not e164.startswith("+"):
        return e164
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    if phonenumbers.country_code_for_region(region.upper()) == number.country_code:
        return _national(number)
    return str(phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL))


def search_digits(text: str) -> str | None:
    """Return the digits to look for when `text` looks like (a part of) a phone, else `None`.

    A part of a phone is digits, blanks and `+ - ( ) . /` with at least three digits (facts/field §3). A leading `+` or
    `00` is dropped; a leading single 0 stays, for `digits_for_search` keeps the national spelling too.
    """
    spelled = _plain(text)
    if not spelled or not _SPELLING.fullmatch(spelled):
        return None
    digits = _NOT_DIGIT.sub("", spelled)
    if digits.startswith("00"):
        digits = digits[2:]
    return digits if len(digits) >= 3 else None


@lru_cache(maxsize=16384)
def national_digits(e164: str) -> str:
    """Return the digits of a stored number as its own country writes it: "+254722000111" → "0722000111"."""
    if e164.startswith("+254") and len(e164) == 13 and e164[4] in "17":  # as `_national`, without the parser
        return f"0{e164[4:]}"
    # The region is of no matter: the number says its own country.
    return _NOT_DIGIT.sub("", parse(e164, "US").national)


def digits_for_search(e164: str, national: str) -> str:
    """Return what the searchable column of a phone holds: "254722000111 0722000111".

    The blank keeps a search from matching across the two spellings.
    """
    return f"{_NOT_DIGIT.sub('', e164)} {_NOT_DIGIT.sub('', national)}"
