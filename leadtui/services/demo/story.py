"""The life of each invented lead over eight months: when it came, where it moved, what was said, what is due."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from leadtui.domain.catalog import Catalog, Product, Stage, UserItem
from leadtui.domain.dates import day_start, local_day
from leadtui.services.demo.themes import ISPS, ROUTERS, Theme

DAYS = 240
_PEOPLE = frozenset({"agent", "agent_junior", "branch_user"})


@dataclass(slots=True)
class Move:
    """One line of the status history."""

    stage: Stage
    at: datetime
    by_id: int
    reason: str | None = None


@dataclass(slots=True)
class Story:
    """A lead and everything that happened to it; ids of rows are given when it is written."""

    columns: dict[str, Any]
    moves: list[Move]
    activities: list[dict[str, Any]] = field(default_factory=list)
    referrer: int | None = None
    tags: tuple[str, ...] = ()
    document: str | None = None
    username: bool = False

    @property
    def stage(self) -> Stage:
        """Where it stands now."""
        return self.moves[-1].stage


class Teller:
    """Tells stories from one seed: the same office, moment and number give the same leads."""

    def __init__(self, catalog: Catalog, theme: Theme, now: datetime, *, preset: str, seed: int) -> None:
        self._catalog, self._theme, self._now, self._preset = catalog, theme, now, preset
        self._rnd = random.Random(f"{preset}-{seed}")
        self._pipeline = catalog.default_pipeline
        stages = [s for s in catalog.stages_of(self._pipeline.id) if s.is_active]
        self._way = [s for s in stages if not (s.is_lost or s.is_parked)]
        self._ends = [s for s in stages if s.is_lost or s.is_parked]
        self._agents = [u for u in catalog.users if u.role in _PEOPLE] or [
            u for u in catalog.users if u.login != "system"
        ]
        self._technician = next((u for u in catalog.users if u.role == "technician"), None)
        self._office_user = next(u for u in catalog.users if u.role == "principal" and u.login != "system")
        self._products = [p for p in catalog.products if p.is_active]
        self._sources = {s.name: s.id for s in catalog.sources}
        self._phones: set[str] = set()
        self._emails: set[str] = set()
        self.referrers = [(self._name(), self._phone()) for _ in range(theme.referrers)]

    def tell(self, count: int) -> Iterator[Story]:
        """`count` leads, oldest first; more of them lately, for the office grows."""
        ages = sorted((DAYS * self._rnd.random() ** 1.45 for _ in range(count)), reverse=True)
        for age in ages:
            yield self._story(age)

    # -- one lead -----------------------------------------------------------------------------------------------------
    def _story(self, age_days: float) -> Story:
        rnd = self._rnd
        created = self._office_hours(self._now - timedelta(days=age_days))
        if created >= self._now - timedelta(minutes=5):
            created -= timedelta(days=1)
        agent = rnd.choice(self._agents)
        moves = self._moves(created, agent)
        story = Story({"created_at": created}, moves)
        self._contact(story)
        self._interest(story)
        self._owner(story, agent)
        self._talks(story, agent)
        self._ending(story)
        self._follow_up(story)
        return story

    def _moves(self, created: datetime, agent: UserItem) -> list[Move]:
        """From the first status on, at a believable pace; some are lost or parked on the way."""
        rnd = self._rnd
        moves = [Move(self._way[0], created, rnd.choice((agent, self._office_user)).id)]
        at = created
        for stage in self._way[1:]:
            pause = timedelta(days=rnd.expovariate(1 / (1.5 if len(moves) == 1 else 7.0)))
            at = max(self._office_hours(at + pause), at + timedelta(minutes=rnd.randrange(30, 90)))
            if at >= self._now:
                break
            roll = rnd.random()
            if self._ends and len(moves) > 1 and roll < 0.22:
                end = rnd.choice(self._ends)
                moves.append(Move(end, at, agent.id, self._lost_reason() if end.is_lost else None))
                break
            if roll > 0.8:  # nothing more happened
                break
            moves.append(Move(stage, at, agent.id))
        return moves

    def _lost_reason(self) -> str:
        names = [r.name for r in self._catalog.lost_reasons if r.is_active] or ["No answer"]
        return self._rnd.choice(names)

    def _contact(self, story: Story) -> None:
        rnd, columns = self._rnd, story.columns
        name = self._name() if rnd.random() > 0.04 or self._pipeline.rule("name").rule == "required" else None
        phone = self._phone()
        columns |= {"name": name, "phone_e164": phone, "phone_raw": phone, "location": rnd.choice(self._theme.places)}
        columns["unit_number"] = f"{rnd.choice('ABCDEFGH')}{rnd.randrange(1, 41)}" if rnd.random() < 0.7 else None
        if rnd.random() < 0.5:
            columns["address"] = f"{rnd.choice(self._theme.building)} {rnd.randrange(1, 60)}"
        if rnd.random() < 0.12:
            columns["alt_phone_e164"] = columns["alt_phone_raw"] = self._phone()
        if name and rnd.random() < 0.4:
            email = self._email(name)
            columns |= {"email": email, "email_norm": email}
        names = [n for n in self._theme.sources if n in self._sources]
        weights = [self._theme.sources[n] for n in names]
        source = rnd.choices(names, weights)[0] if names else None
        columns["source_id"] = self._sources[source] if source else next(iter(self._sources.values()))
        if source and ("Caretaker" in source or "Referral" in source) and rnd.random() < 0.85:
            story.referrer = min(int(rnd.expovariate(1 / 6)), len(self.referrers) - 1)

    def _interest(self, story: Story) -> None:
        rnd, columns, far = self._rnd, story.columns, len(story.moves)
        product: Product | None = None
        if self._products and rnd.random() < 0.35 + 0.2 * far:
            product = self._products[min(int(rnd.expovariate(1 / 1.2)), len(self._products) - 1)]
            columns["product_id"] = product.id
        if rnd.random() < 0.55 and self._theme.reasons:
            columns["interest_reason"] = rnd.choice(self._theme.reasons)
        if rnd.random() < 0.35:
            columns["remarks"] = rnd.choice(self._theme.remarks)
        columns["priority"] = rnd.choices((None, "low", "medium", "high"), (45, 12, 28, 15))[0]
        story.tags = tuple(sorted(rnd.sample(self._theme.tags, rnd.choices((0, 1, 2), (70, 24, 6))[0])))
        story.document = "national-id.txt" if far >= 3 and rnd.random() < 0.3 else None
        match self._preset:
            case "isp":
                self._internet(columns, product, agreed=far >= 3)
            case "real-estate" | "estate":
                columns |= {
                    "budget_minor": rnd.randrange(25, 250) * 1_000_000, "pre_approved": rnd.choice((True, False, None)),
                    "property_type": rnd.choice(("condo", "townhouse", "single family")),
                    "timeline": rnd.choice(("immediate", "3_months", "6_months")),
                }  # fmt: skip
                if self._preset == "real-estate":
                    columns |= {"page_views": rnd.randrange(40), "property_views": rnd.randrange(12)}
            case "insurance" | "travel":
                born = local_day(self._now, self._catalog.tz) - timedelta(days=rnd.randrange(22 * 365, 65 * 365))
                columns |= {"date_of_birth": born if rnd.random() < 0.6 else None}

    def _internet(self, columns: dict[str, Any], product: Product | None, *, agreed: bool) -> None:
        rnd = self._rnd
        columns["current_isp"] = rnd.choice(ISPS) if rnd.random() < 0.6 else None
        if rnd.random() < 0.28:
            columns |= {"has_router": True, "router_type": rnd.choice(ROUTERS)}
        if product is not None and agreed:
            install = product.install_minor or 0
            columns["monthly_fee_minor"] = product.price_minor
            columns["installation_fee_minor"] = install if rnd.random() < 0.7 else install // 2

    def _owner(self, story: Story, agent: UserItem) -> None:
        """New leads may wait for an owner; surveys are the technician's."""
        rnd, columns = self._rnd, story.columns
        if len(story.moves) == 1 and rnd.random() < 0.35:
            return
        owner = agent
        if self._technician is not None and story.stage.key == "site_survey_scheduled" and rnd.random() < 0.6:
            owner = self._technician
        columns |= {
            "assigned_to_id": owner.id,
            "assigned_at": story.moves[0].at + timedelta(minutes=rnd.randrange(1, 90)),
        }

    def _talks(self, story: Story, agent: UserItem) -> None:
        """A contact or two with every move, and now and then one between."""
        rnd, theme = self._rnd, self._theme
        for previous, move in zip(story.moves, story.moves[1:], strict=False):
            self._note(story, agent, *rnd.choice(theme.talk), move.at - timedelta(minutes=rnd.randrange(2, 25)))
            self._note(story, agent, "status_change", f"{previous.stage.name} → {move.stage.name}", None, move.at,
                       move.reason)  # fmt: skip
        last = story.moves[-1].at
        if not (story.stage.is_converted or story.stage.is_lost):
            for _ in range(rnd.choices((0, 1, 2), (50, 35, 15))[0]):
                last = max(last, self._office_hours(last + timedelta(days=rnd.uniform(0.4, 9))))
                if last < self._now:
                    self._note(story, agent, *rnd.choice(theme.talk), last)
        done = [a["completed_at"] for a in story.activities if a["type"] != "status_change"]
        story.columns["last_activity_at"] = max(done) if done else None

    def _note(
        self, story: Story, by: UserItem, kind: str, subject: str, outcome: str | None, at: datetime,
        text: str | None = None,
    ) -> None:  # fmt: skip
        at = max(at, story.moves[0].at)
        story.activities.append({
            "type": kind, "subject": subject, "outcome": outcome, "description": text, "completed_at": at,
            "scheduled_at": None, "all_day": False, "assigned_to_id": None, "created_by_id": by.id, "created_at": at,
        })  # fmt: skip

    def _ending(self, story: Story) -> None:
        columns, last = story.columns, story.moves[-1]
        if last.stage.is_converted:
            columns |= {"converted_at": last.at, "converted_by_id": last.by_id}
            story.username = self._preset == "isp" and columns.get("product_id") is not None
        elif last.stage.is_lost:
            counted = self._catalog.find_lost_reason(last.reason or "")
            columns |= {"lost_at": last.at, "lost_note": last.reason, "lost_reason_id": counted.id if counted else None}

    def _follow_up(self, story: Story) -> None:
        """Open leads mostly have a next step: some overdue, some today, the rest ahead."""
        rnd, tz = self._rnd, self._catalog.tz
        if story.stage.is_converted or story.stage.is_lost or rnd.random() < 0.3:
            return
        kind = rnd.choices(("overdue", "today", "ahead"), (18, 12, 70))[0]
        days = {"overdue": -rnd.randrange(1, 9), "today": 0, "ahead": rnd.randrange(1, 15)}[kind]
        day = local_day(self._now, tz) + timedelta(days=days)
        all_day = rnd.random() < 0.7
        at = day_start(day, tz)
        if not all_day:
            clock = time(rnd.randrange(9, 17), rnd.choice((0, 15, 30)))
            at = datetime.combine(day, clock, tzinfo=tz).astimezone(UTC)
        made = min(self._now, max(story.moves[-1].at, story.moves[0].at))
        owner = story.columns.get("assigned_to_id") or self._office_user.id
        subject = rnd.choice(("call back", "follow up", "send the offer", "confirm the visit", "ask for a decision"))
        story.activities.append({
            "type": "follow_up", "subject": subject, "outcome": None, "description": None, "completed_at": None,
            "scheduled_at": at, "all_day": all_day, "assigned_to_id": owner, "created_by_id": owner, "created_at": made,
        })  # fmt: skip
        story.columns |= {"next_follow_up_at": at, "next_follow_up_all_day": all_day}

    # -- names, phones, hours -----------------------------------------------------------------------------------------
    def _name(self) -> str:
        return f"{self._rnd.choice(self._theme.first)} {self._rnd.choice(self._theme.last)}"

    def _phone(self) -> str:
        while (phone := self._theme.mobile(self._rnd)) in self._phones:
            pass
        self._phones.add(phone)
        return phone

    def _email(self, name: str) -> str:
        base = ".".join(name.lower().replace("'", "").split())
        email = f"{base}@example.com"
        while email in self._emails:
            email = f"{base}{self._rnd.randrange(2, 9999)}@example.com"
        self._emails.add(email)
        return email

    def _office_hours(self, at: datetime) -> datetime:
        """The same day between eight and six."""
        local = at.astimezone(self._catalog.tz)
        hour, minute = 8 + self._rnd.randrange(10), self._rnd.randrange(60)
        return local.replace(hour=hour, minute=minute, second=0, microsecond=0).astimezone(UTC)


def in_order(stories: Sequence[Story]) -> list[Story]:
    """Stories in the order their leads came, which is the order of their numbers."""
    return sorted(stories, key=lambda story: story.moves[0].at)
