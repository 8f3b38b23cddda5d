"""Messages and templates in the words of the WhatsApp Cloud API: pure, from our values to its JSON and back."""

from __future__ import annotations

from typing import Any, Final

from leadtui.channels.port import Attachment, Outgoing, ProviderTemplate
from leadtui.channels.port import Final as Refusal
from leadtui.channels.provider_templates import ApprovedTemplate, places

_MB = 1_000_000
SIZES: Final = {"image": 5 * _MB, "video": 16 * _MB, "audio": 16 * _MB, "document": 100 * _MB}
_IMAGES = frozenset({"image/jpeg", "image/png"})
_VIDEOS = frozenset({"video/mp4", "video/3gpp"})
_AUDIO = frozenset({"audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"})
_OFFICE = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS = (
    "application/pdf", "text/plain", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
    f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet",
    f"{_OFFICE}.presentationml.presentation",
)  # fmt: skip

TEXT_MOST, CAPTION_MOST = 4096, 1024
"""Characters of a text, and of the words under a file."""

MEDIA_TYPES: Final = (*sorted(_IMAGES), *sorted(_VIDEOS), *sorted(_AUDIO), *_DOCUMENTS)


def kind_of(mime: str) -> str:
    """What WhatsApp calls a file of this type: image, video, audio or document."""
    mime = mime.partition(";")[0].strip().lower()
    kinds = (("image", _IMAGES), ("video", _VIDEOS), ("audio", _AUDIO))
    return next((kind for kind, types in kinds if mime in types), "document")


def body_of(message: Outgoing, media_id: str) -> tuple[str, dict[str, Any]] | Refusal:
    """The kind of message and its body. A text too long for its kind is refused here: WhatsApp would cut nothing."""
    file = message.attachment
    if message.template is not None:
        return "template", _template_body(message.template, file, media_id)
    if file is None:
        if len(message.text) > TEXT_MOST:
            return Refusal("too_long", f"a text has at most {TEXT_MOST:,} characters here")
        return "text", {"body": message.text, "preview_url": "https://" in message.text}
    if len(message.text) > CAPTION_MOST:
        return Refusal("too_long", f"with a file a text has at most {CAPTION_MOST:,} characters")
    kind = kind_of(file.type)
    kind = "document" if kind == "audio" and message.text else kind  # a sound has no words beside it
    body = {"id": media_id, **({"caption": message.text} if message.text else {})}
    return kind, {**body, **({"filename": file.name} if kind == "document" else {})}


def _template_body(template: ProviderTemplate, file: Attachment | None, media_id: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if file is not None:
        kind = kind_of(file.type)
        one = {"id": media_id, **({"filename": file.name} if kind == "document" else {})}
        parts.append({"type": "header", "parameters": [{"type": kind, kind: one}]})
    elif template.header:
        parts.append({"type": "header", "parameters": [{"type": "text", "text": text} for text in template.header]})
    if template.params:
        names = template.names if len(template.names) == len(template.params) else ("",) * len(template.params)
        parts.append({"type": "body", "parameters": [
            {"type": "text", "text": text, **({"parameter_name": name} if name else {})}
            for text, name in zip(template.params, names, strict=True)
        ]})  # fmt: skip
    parts += [
        {"type": "button", "sub_type": "url", "index": str(place), "parameters": [{"type": "text", "text": text}]}
        for place, text in enumerate(template.buttons)
        if text
    ]
    body: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    return {**body, "components": parts} if parts else body


def template_of(row: dict[str, Any]) -> ApprovedTemplate:
    """A template as Graph lists it."""
    parts = {str(part.get("type", "")).upper(): part for part in row.get("components") or () if isinstance(part, dict)}
    body, header = parts.get("BODY", {}), parts.get("HEADER", {})
    text = str(body.get("text") or "")
    found = places(text)
    buttons = parts.get("BUTTONS", {}).get("buttons") or ()
    is_named = str(row.get("parameter_format") or "").upper() == "NAMED"
    return ApprovedTemplate(
        name=str(row.get("name") or ""), language=str(row.get("language") or ""),
        category=str(row.get("category") or ""), status=str(row.get("status") or ""), body=text,
        header_kind=str(header.get("format") or "").lower(), params=len(found),
        header_params=len(places(str(header.get("text") or ""))),
        buttons=sum(1 for button in buttons if "{{" in str(button.get("url") or "")),
        names=found if is_named else (),
    )  # fmt: skip
