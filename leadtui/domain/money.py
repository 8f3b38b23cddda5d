"""Money: whole minor units (cents) of the database's one currency, and how people write and read them (spec AG23)."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from leadtui.errors import Invalid

LIMIT_MINOR = 10**15
"""The largest amount, in minor units: beyond every real fee and within the integers of both databases and of JSON."""

# Enough for the presets' countries; babel (slow to import) knows the rest, and lists must not wait for it.
_TWO_DECIMALS = (
    "KES TZS ETB NGN GHS ZAR ZMW BWP MUR EGP MAD USD EUR GBP CHF CAD AUD NZD INR PKR BDT LKR NPR AED SAR QAR SGD MYR "
    "THB PHP CNY HKD BRL MXN SEK NOK DKK PLN CZK TRY ILS"
)
_EXPONENTS = (
    dict.fromkeys(re.findall(r"\w+", _TWO_DECIMALS), 2)
    | dict.fromkeys(("JPY", "KRW", "UGX", "RWF", "XAF", "XOF", "VND"), 0)
    | dict.fromkeys(("KWD", "BHD", "OMR", "JOD", "TND"), 3)
)

# What people write for a currency besides its code, upper case.
_SYMBOLS: dict[str, tuple[str, ...]] = {
    "KES": ("KSHS", "KSH", "SHS", "SH"),
    "UGX": ("USHS", "USH", "SHS", "SH"),
    "TZS": ("TSHS", "TSH", "SHS", "SH"),
    "INR": ("₹", "RS"),
    "PKR": ("₨", "RS"),
    "LKR": ("₨", "RS"),
    "NPR": ("₨", "RS"),
    "NGN": ("₦", "N"),
    "GHS": ("₵", "GH₵"),
    "ZAR": ("R",),
    "EUR": ("€",),
    "GBP": ("£",),
    "JPY": ("¥",),
    "CNY": ("¥",),
    "USD": ("US$", "$"),
    "CAD": ("CA$", "C$", "$"),
    "AUD": ("A$", "$"),
    "NZD": ("NZ$", "$"),
}

_EMBLEM = re.compile(r"([^\W\d_]*[$€£¥₹₨₦₵]|[^\W\d_]+)\.?")
_TAIL = re.compile(r"\s*/[=-]$")  # 2500/= and 2500/-, as receipts in East Africa write them
_GROUPED = r"\d{1,3}(?:%(s)s\d{2,3})*%(s)s\d{3}"  # 1,234,567 and the Indian 12,34,567
_INTEGER = re.compile(r"\d+")


@lru_cache(maxsize=256)
def exponent(currency: str) -> int:
    """Return how many decimals `currency` has: 2 for KES, 0 for UGX, 3 for KWD."""
    known = _EXPONENTS.get(currency)
    if known is not None:
        return known
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(currency))


def check_currency(code: str) -> str:
    """Return `code` as an ISO 4217 code in capitals.

    Raises:
        Invalid: no such currency; field `currency`.
    """
    currency = code.strip().upper()
    if currency in _EXPONENTS:
        return currency
    from babel.numbers import UnknownCurrencyError, validate_currency

    try:
        validate_currency(currency)
    except (UnknownCurrencyError, ValueError) as error:
        raise Invalid(
            f'"{code}" is not a currency', field="currency", hint="use an ISO code such as KES, USD or EUR"
        ) from error
    return currency


def parse_money(value: str | int | Decimal | float, currency: str, *, field: str) -> int:
    """Return an amount of major units as minor units: "2,500", 2500, Decimal("2500.00") and "KES 2 500/=" are 250000.

    A number is major units, whatever its type. In text, blanks and apostrophes separate thousands; of `.` and `,` the
    one that comes last and is not followed by exactly three digits is the decimal mark, so "2.500,50" and "2,500.50"
    are one. A comma before exactly three digits separates thousands ("2,500"); a single dot before three digits
    ("1.234") is refused where the currency has not three decimals, because half the world reads it as a thousand times
    what the other half reads.

    Raises:
        Invalid: negative, not finite, too many decimals, above `LIMIT_MINOR`, another currency, or no amount at all.
    """
    places = exponent(currency)
    if isinstance(value, bool):
        raise _refusal(value, field, "it is not an amount")
    if isinstance(value, float):
        value = _from_float(value, places, field)
    amount = _from_text(value, currency, places, field) if isinstance(value, str) else Decimal(value)
    if not amount.is_finite():
        raise _refusal(value, field, "it is not a finite number")
    if amount < 0:
        raise _refusal(value, field, "it cannot be negative")
    # Compared before scaling: a hostile exponent (1e999999) must not become a number of a million digits.
    if amount > Decimal(LIMIT_MINOR).scaleb(-places):
        raise _refusal(value, field, "it is too large")
    minor = int(amount.scaleb(places))
    # Compared back, exactly: scaleb rounds to 28 digits, which would hide a 30th decimal.
    if Decimal(minor).scaleb(-places) != amount:
        allowed = f"at most {places} decimals" if places else "no decimals"
        raise _refusal(value, field, f"{currency} has {allowed}")
    return minor


def _refusal(value: object, field: str, reason: str) -> Invalid:
    label = field.replace("_", " ")
    shown = str(value)
    shown = shown if len(shown) <= 40 else shown[:39] + "…"
    return Invalid(f'{label} "{shown}": {reason}', field=field, hint="write an amount like 2500 or 2,500.50")


def _from_float(value: float, places: int, field: str) -> Decimal:
    """A float as the amount it was meant to be: spreadsheets hand over 2499.9999999999995 for 2500."""
    exact = Decimal(value)
    if not exact.is_finite() or abs(exact) > LIMIT_MINOR:
        raise _refusal(value, field, "it is not a finite number" if not exact.is_finite() else "it is too large")
    meant = exact.quantize(Decimal(1).scaleb(-places))
    return meant if abs(exact - meant) < Decimal("1e-6") else exact


def _from_text(text: str, currency: str, places: int, field: str) -> Decimal:
    number = _without_currency(_plain(text), currency, text, field)
    if number.startswith("-") or (number.startswith("(") and number.endswith(")")):
        raise _refusal(text, field, "it cannot be negative")
    number = number.removeprefix("+").strip()
    for separator in (r"\s", "'"):
        if re.search(separator, number):
            head, mark, tail = _split_decimal(re.sub(separator, "_", number))
            if not re.fullmatch(_GROUPED % {"s": "_"}, head):
                raise _refusal(text, field, "its thousands are not in groups of three")
            number = head.replace("_", "") + mark + tail
    return _decimal(number, places, text, field)


def _plain(text: str) -> str:
    """`text` with digits, marks and blanks of every script made ASCII, without the `/=` of receipts."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate({0x66B: ".", 0x66C: ",", 0x2019: "'", 0x2212: "-"})
        text = "".join(
            str(unicodedata.digit(char))
            if unicodedata.category(char) == "Nd"
            else ("" if unicodedata.category(char) == "Cf" else char)
            for char in text
        )
    return _TAIL.sub("", text.strip())


def _without_currency(number: str, currency: str, text: str, field: str) -> str:
    own = {currency, *_SYMBOLS.get(currency, ())}
    head = _EMBLEM.match(number)
    tail = re.search(_EMBLEM.pattern + "$", number) if not head else None
    for found in (head, tail):
        if found is None:
            continue
        if found[1].upper() not in own:
            raise _refusal(text, field, f"only plain amounts in {currency} can be given")
        number = number[found.end() :] if found is head else number[: found.start()]
    return _TAIL.sub("", number.strip())


def _split_decimal(number: str) -> tuple[str, str, str]:
    """Integer part, decimal mark and decimals of an amount that has at most one mark after its last group."""
    at = max(number.rfind("."), number.rfind(","))
    return (number[:at], number[at], number[at + 1 :]) if at >= 0 else (number, "", "")


def _decimal(number: str, places: int, text: str, field: str) -> Decimal:
    """The value of digits with at most the marks `.` and `,`, by the rule told in `parse_money`."""
    head, mark, tail = _split_decimal(number)
    if not mark:
        if not _INTEGER.fullmatch(number):
            raise _refusal(text, field, "it is not an amount")
        return Decimal(number)
    other = "," if mark == "." else "."
    if number.count(mark) > 1 or (mark == "," and len(tail) == 3 and other not in head):
        if not re.fullmatch(_GROUPED % {"s": re.escape(mark)}, number):
            raise _refusal(text, field, "its thousands are not in groups of three")
        return Decimal(number.replace(mark, ""))
    if other in head:
        if not re.fullmatch(_GROUPED % {"s": re.escape(other)}, head):
            raise _refusal(text, field, "its thousands are not in groups of three")
        head = head.replace(other, "")
    elif mark == "." and len(tail) == 3 and places != 3 and re.fullmatch(r"[1-9]\d{0,2}", head):
        raise _refusal(text, field, "it could mean thousands or decimals")
    elif mark == "," and len(tail) > places:
        raise _refusal(text, field, "its thousands are not in groups of three")
    if not (_INTEGER.fullmatch(tail) and (head == "" or _INTEGER.fullmatch(head))):
        raise _refusal(text, field, "it is not an amount")
    try:
        return Decimal(f"{head or 0}.{tail}")
    except InvalidOperation as error:  # digits beyond what Decimal takes
        raise _refusal(text, field, "it is not an amount") from error


def to_decimal(minor: int, currency: str) -> Decimal:
    """Return minor units as an exact decimal of major units: 250050 → Decimal("2500.50")."""
    return Decimal(minor).scaleb(-exponent(currency))


def to_json(minor: int | None, currency: str) -> str | None:
    """Return the decimal string of major units that JSON carries ("2500.00"), `None` for no amount."""
    if minor is None:
        return None
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).zfill(places + 1)
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def format_money(minor: int | None, currency: str) -> str:
    """Return an amount for reading: "2,500.00" ("" for no amount). The currency is said once, in the heading."""
    plain = to_json(minor, currency)
    if plain is None:
        return ""
    whole, dot, decimals = plain.partition(".")
    return (
        f"{int(whole):,}{dot}{decimals}" if minor is not None and minor >= 0 else f"-{int(whole[1:]):,}{dot}{decimals}"
    )


def total(installation_minor: int | None, monthly_minor: int | None) -> int | None:
    """Return the total of both fees in minor units: one missing = the other, none = `None`, not 0 (spec AJ17)."""
    if installation_minor is None:
        return monthly_minor
    return installation_minor if monthly_minor is None else installation_minor + monthly_minor
