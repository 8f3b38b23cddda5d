"""From sums to figures: cards, chart, funnel, sources, agents, lost reasons, ageing, each with its filter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from leadtui.text import fold

from .catalog import Catalog, Stage
from .figure_texts import Names, grouped
from .figures import (
    AGES,
    NOBODY,
    NOWHERE,
    OTHER_WORDS,
    CampaignLine,
    Counted,
    Figure,
    Figures,
    Month,
    Question,
    Share,
    Step,
    Sum,
    Unit,
    percent,
)
from .values import weighted_minor

_DAY_S = 86_400
_MONEY = ("installation_fee", "monthly_fee", "budget")


class _Maker:
    def __init__(self, question: Question, base: str, counted: Counted, catalog: Catalog, hidden: frozenset[str]):
        self.question, self.base, self.counted, self.catalog, self.hidden = question, base, counted, catalog, hidden
        self.before = grouped(base)
        self.names = Names(catalog)
        self.total = sum(one.n for one in counted.stages.values())

    def figure(self, key: str, label: str, value: int | float | None, own: str, unit: Unit = "leads") -> Figure:
        text = f"{self.before} {own}" if self.before and own else own or self.base
        return Figure(key, label, value, unit, text)

    def shows(self, *keys: str) -> bool:
        return not self.hidden.intersection(keys)

    def stages(self) -> Iterable[tuple[Stage, Sum]]:
        return ((self.catalog.stage_by_id[one], found) for one, found in self.counted.stages.items())

    # -- cards --------------------------------------------------------------------------------------------------------
    def cards(self, today: date) -> tuple[Figure, ...]:
        converted = sum((found for stage, found in self.stages() if stage.is_converted), Sum())
        lost = sum(found.n for stage, found in self.stages() if stage.is_lost)
        at_work = [(stage, found) for stage, found in self.stages() if not stage.is_converted and not stage.is_lost]
        new = self.counted.created.get(today.year * 100 + today.month, 0)
        before = self.counted.created.get(_month_before(today), 0)
        change = round((new - before) * 100 / before, 1) if before else None
        days = round(converted.seconds / _DAY_S / self.counted.dated, 1) if self.counted.dated else None
        cards = [self.figure("total", "Total leads", self.total, "")]
        if self.shows("created_at"):
            cards += [
                self.figure("new", "New this month", new, "created:this-month"),
                self.figure("new_before", "New last month", before, "created:last-month"),
                self.figure("new_change", "Change to last month", change, "created:this-month", "percent"),
            ]
        won = "is:converted"
        cards += [
            self.figure("converted", "Converted", converted.n, won),
            self.figure("rate", "Conversion rate", percent(converted.n, self.total), won, "percent"),
            self.figure("open", "Open", sum(found.n for _, found in at_work), "is:active"),
            self.figure("lost", "Lost", lost, "is:lost"),
        ]
        if self.shows("follow_up"):
            cards.append(self.figure("overdue", "Overdue", sum(self.counted.overdue.values()), "due:overdue"))
        if self.shows("installation_fee"):
            fees = converted.installation_minor
            cards.append(self.figure("revenue_installation", "Installation fees", fees, won, "minor"))
        if self.shows("monthly_fee"):
            cards.append(
                self.figure("revenue_monthly", "Monthly fees", converted.monthly_minor, won, "minor")
            )  # fmt: skip
        if self.shows(*_MONEY):
            value = sum(found.value_minor for _, found in at_work)
            forecast = sum(weighted_minor(found.value_minor, stage.probability) for stage, found in at_work)
            cards += [
                self.figure("value", "Pipeline value", value, "is:active", "minor"),
                self.figure("forecast", "Weighted forecast", forecast, "is:active", "minor"),
            ]
        cards.append(self.figure("days_to_convert", "Days to convert", days, won, "days"))
        return tuple(cards)

    # -- months -------------------------------------------------------------------------------------------------------
    def months(self, year: int) -> tuple[Month, ...]:
        if not self.shows("created_at", "converted_at"):
            return ()
        found = []
        for number in range(1, 13):
            text, key, c = f"{year:04d}-{number:02d}", year * 100 + number, self.counted
            found.append(
                Month(
                    text,
                    self.figure(f"created:{text}", text, c.created.get(key, 0), f"created:{text}"),
                    self.figure(
                        f"converted:{text}", text, c.converted.get(key, 0), f"is:converted converted_at:{text}"
                    ),
                    self.figure(f"activated:{text}", text, c.activated.get(key, 0), f"activated:{text}"),
                )
            )
        return tuple(found)

    # -- statuses -----------------------------------------------------------------------------------------------------
    def funnel(self) -> tuple[Step, ...]:
        if not self.shows("status"):
            return ()
        reached, steps = self.counted.reached, []
        for pipeline in self._pipelines():
            stages = [s for s in self.catalog.stages_of(pipeline) if s.is_step]
            first = before = None
            for stage in stages:
                count = sum(reached.get(one.id, 0) for one in stages if one.order >= stage.order)
                if not count and not stage.is_active:
                    continue
                figure = self.figure(f"reached:{stage.id}", stage.name, count, self.names.reached(stage.id))
                first = count if first is None else first
                steps.append(
                    Step(
                        self.catalog.pipeline_by_id[pipeline].key, stage.mark, figure,
                        None if before is None else percent(count, before), percent(count, first),
                    )
                )  # fmt: skip
                before = count
        return tuple(steps)

    def _pipelines(self) -> list[int]:
        """The pipelines there is something to show of, the default one first."""
        if self.question.pipeline:
            return [self.catalog.find_pipeline(self.question.pipeline).id]
        used = {stage.pipeline_id for stage, found in self.stages() if found.n} | {self.catalog.default_pipeline.id}
        return [
            one.id for one in sorted(self.catalog.pipelines, key=lambda one: (not one.is_default, one.id))
            if one.id in used
        ]  # fmt: skip

    def statuses(self) -> tuple[tuple[Figure, bool], ...]:
        """Leads by status, those of one name together, in the order of their pipelines; and whether they are open."""
        if not self.shows("status"):
            return ()
        named: dict[str, list[Stage]] = {}
        for pipeline in self._pipelines():
            for stage in self.catalog.stages_of(pipeline):
                if stage.is_active or self.counted.stages.get(stage.id):
                    named.setdefault(fold(stage.name), []).append(stage)
        # A pipeline left out has no leads: its statuses of the same name change nothing, and the name stays readable.
        every: dict[str, set[int]] = {}
        for stage in self.catalog.stages:
            every.setdefault(fold(stage.name), set()).add(stage.id)
        found = []
        for key, stages in named.items():
            name, count = stages[0].name, sum(self.counted.stages.get(s.id, Sum()).n for s in stages)
            figure = self.figure(f"status:{stages[0].id}", name, count, self.names.statuses(name, every[key]))
            found.append((figure, not any(s.is_converted or s.is_lost for s in stages)))
        return tuple(found)

    # -- shares -------------------------------------------------------------------------------------------------------
    def sources(self) -> tuple[Share, ...]:
        if not self.shows("source"):
            return ()
        known = self.catalog.source_by_id
        shares = [
            self._share(f"source:{one}", known[one].name if one in known else NOWHERE, None, self.names.source(one),
                        {stage: n for (source, stage), n in self.counted.sources.items() if source == one}, None)
            for one in dict.fromkeys(source for source, _ in self.counted.sources)
        ]  # fmt: skip
        return tuple(sorted(shares, key=lambda one: (-(one.total.value or 0), fold(one.name))))

    def agents(self) -> tuple[Share, ...]:
        if not self.shows("assigned_to"):
            return ()
        shares = []
        overdue = self.counted.overdue if self.shows("follow_up") else None
        for one in dict.fromkeys(user for user, _ in self.counted.agents):
            user = self.catalog.user_by_id.get(one)
            name, login = (user.name, user.login) if user else (NOBODY, None)
            by_stage = {stage: n for (agent, stage), n in self.counted.agents.items() if agent == one}
            late = None if overdue is None else overdue.get(one, 0)
            shares.append(self._share(f"agent:{one}", name, login, self.names.agent(one), by_stage, late))
        return tuple(sorted(shares, key=lambda one: (one.login is None, -(one.total.value or 0), fold(one.name))))

    def _share(
        self, key: str, name: str, login: str | None, own: str, by_stage: Mapping[int, int], overdue: int | None
    ) -> Share:
        stages = self.catalog.stage_by_id
        total = sum(by_stage.values())
        won = sum(n for stage, n in by_stage.items() if stages[stage].is_converted)
        lost = sum(n for stage, n in by_stage.items() if stages[stage].is_lost)
        at_work = sum(
            n for stage, n in by_stage.items() if not stages[stage].is_converted and not stages[stage].is_lost
        )
        return Share(
            name, login,
            self.figure(key, name, total, own),
            self.figure(f"{key}:converted", name, won, f"{own} is:converted"),
            self.figure(f"{key}:open", name, at_work, f"{own} is:active"),
            self.figure(f"{key}:lost", name, lost, f"{own} is:lost"),
            None if overdue is None else self.figure(f"{key}:overdue", name, overdue, f"{own} due:overdue"),
            percent(won, total),
        )  # fmt: skip

    # -- why, how old -------------------------------------------------------------------------------------------------
    def reasons(self) -> tuple[Figure, ...]:
        if not self.shows("lost_reason"):
            return ()
        lost = sum(found.n for stage, found in self.stages() if stage.is_lost)
        known = {one.id: one.name for one in self.catalog.lost_reasons}
        counted = sorted(self.counted.reasons.items(), key=lambda one: (-one[1], fold(known.get(one[0], ""))))
        found = [
            self.figure(f"reason:{one}", known[one], n, self.names.lost_reason(one)) for one, n in counted if n
        ]  # fmt: skip
        if other := lost - sum(n for _, n in counted):
            found.append(self.figure("reason:0", OTHER_WORDS, other, self.names.lost_reason(0)))
        return tuple(found)

    def ageing(self) -> tuple[Figure, ...]:
        if not self.shows("stage_changed_at"):
            return ()
        at_work = sum(found.n for stage, found in self.stages() if not stage.is_converted and not stage.is_lost)
        counts = (*self.counted.young, at_work - sum(self.counted.young))
        return tuple(
            self.figure(f"age:{n}", label, count, f"is:active in_status_since:{value}")
            for n, ((value, label), count) in enumerate(zip(AGES, counts, strict=True))
        )


def make(
    question: Question,
    base: str,
    counted: Counted,
    catalog: Catalog,
    *,
    now: datetime,
    years: tuple[int, ...],
    year: int,
    hidden: frozenset[str] = frozenset(),
    campaigns: tuple[CampaignLine, ...] = (),
) -> Figures:
    """All figures of a question whose whole filter is `base`; without those of fields that are hidden from the role."""
    maker = _Maker(question, base, counted, catalog, hidden)
    statuses = maker.statuses()
    return Figures(
        question, now, catalog.currency, year, years, maker.total,
        cards=maker.cards(now.astimezone(catalog.tz).date()), months=maker.months(year), funnel=maker.funnel(),
        statuses=tuple(one for one, _ in statuses), open_statuses=tuple(one for one, is_open in statuses if is_open),
        sources=maker.sources(), agents=maker.agents(), reasons=maker.reasons(), ageing=maker.ageing(),
        rotting=maker.figure("rotting", "Too long in one status", counted.rotting, "is:rotting"),
        campaigns=campaigns,
    )  # fmt: skip


def _month_before(today: date) -> int:
    return today.year * 100 + today.month - 1 if today.month > 1 else (today.year - 1) * 100 + 12
