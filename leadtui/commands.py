"""The one table of commands: bindings, footer hints, palette, help, README key table and keymap check come from it.

A command is carried out by the method `do_<last part of its id>` (dashes are not used in ids) of the screen that has
its scope, or of the app; `leads.mark_all` is `do_mark_all`. Commands with an `action` call that Textual action instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leadtui.errors import UsageError

if TYPE_CHECKING:
    from textual.binding import Binding

SCOPES: Final[Mapping[str, str]] = {
    "app": "Everywhere",
    "list": "In every list",
    "today": "Today",
    "work": "Work mode",
    "leads": "Leads",
    "board": "The board",
    "lead": "A lead",
    "form": "Forms",
    "filter": "Filter line",
    "convert": "Converting a lead",
    "customers": "Customers",
    "customer": "A customer",
    "service": "Suspending, resuming, another package",
    "routers": "Routers",
    "audit": "Audit of routers",
    "pending": "Left open on routers",
    "users": "Users",
    "keys": "Keys of other programs",
    "webforms": "Website forms",
    "office": "Office",
    "rules": "Rules: scores, and who gets leads",
    "rule": "Writing a rule",
    "replay": "A rule on your own past",
    "push": "Pushing a package",
    "drift": "Packages and routers",
    "history": "History",
    "stats": "Stats",
    "forecast": "Forecast",
    "loans": "Promises",
    "jobs": "Jobs",
    "notifications": "Notices",
    "intakes": "Came in from elsewhere",
    "campaigns": "Campaigns",
    "campaign": "A campaign",
    "compose": "Writing a campaign",
    "rehearsal": "Before a campaign starts",
    "recipients": "Recipients of a campaign",
    "handed": "Did it go?",
    "drips": "Drips",
    "drip": "A drip",
    "steps": "Steps of a drip",
    "templates": "Templates",
    "channels": "Channels",
    "suppressions": "No messages to",
    "log": "Log",
}
"""Where commands apply, in the order help and README list them."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can do with a key."""

    id: str
    keys: str
    """Default keys, comma separated, as Textual names them (`slash`, `ctrl+p`) or as the character itself."""
    label: str
    """At most 10 characters, for the hints line."""
    sentence: str
    group: str
    scope: tuple[str, ...]
    danger: bool = False
    permission: str | None = None
    """The action of the permission matrix (spec §AI-c) without which the command is dimmed."""
    action: str = ""
    """A Textual action to run instead of `do_<name>`."""

    @property
    def name(self) -> str:
        """The last part of the id: `convert` of `leads.convert`."""
        return self.id.rpartition(".")[2]

    @property
    def textual_action(self) -> str:
        """What the binding runs."""
        return self.action or f"app.command('{self.id}')"


def _c(
    id: str,
    keys: str,
    label: str,
    sentence: str,
    group: str,
    scope: str,
    *,
    danger: bool = False,
    permission: str | None = None,
    action: str = "",
) -> Command:
    return Command(id, keys, label, sentence, group, tuple(scope.split()), danger, permission, action)


COMMANDS: Final[tuple[Command, ...]] = (
    # Everywhere
    _c("app.help", "?,f1", "all keys", "Show every key that works here; type to search, enter runs it", "Help", "app"),
    _c("app.palette", "ctrl+p,:", "palette", "Search all commands and leads by name", "Help", "app"),
    _c("app.today", "0", "today", "Go to what is to be done today", "Go to", "app", action="app.go_to('today')"),
    _c("app.leads", "1", "leads", "Go to the leads", "Go to", "app", action="app.go_to('leads')"),
    _c("app.customers", "2", "customers", "Go to the customers", "Go to", "app", action="app.go_to('customers')"),
    _c("app.routers", "3", "routers", "Go to the routers", "Go to", "app", action="app.go_to('routers')"),
    _c("app.users", "4", "users", "Go to the users and roles", "Go to", "app", action="app.go_to('users')"),
    _c("app.office", "5", "office", "Go to packages, sources, statuses, branches and tags", "Go to", "app",
       action="app.go_to('office')"),
    _c("app.history", "6", "history", "Go to the history of changes, and undo from there", "Go to", "app",
       action="app.go_to('history')"),
    _c("app.loans", "7", "promises", "Go to the promises to clear a loan", "Go to", "app", action="app.go_to('loans')"),
    _c("app.jobs", "8", "jobs", "Go to the work that goes on by itself: who does it, what failed", "Go to", "app",
       action="app.go_to('jobs')"),
    _c("app.campaigns", "9", "campaigns", "Go to the campaigns: messages to many leads", "Go to", "app",
       action="app.go_to('campaigns')"),
    _c("app.stats", "%", "stats", "Go to the figures: how many leads, from where, what became of them", "Go to", "app",
       permission="stats"),
    _c("app.forecast", "", "forecast", "Show what open leads are likely to bring, and how true that proved", "Go to",
       "app", permission="stats"),
    _c("app.board", "#", "board", "Go to the board: statuses as columns, leads as cards; from the list with its filter",
       "Go to", "app"),
    _c("app.notifications", "!", "notices", "Show what came due and what was passed on to you", "Go to", "app"),
    _c("app.intakes", "b", "bookings", "Show what came in from elsewhere and failed, to correct it", "Go to", "app"),
    _c("app.rules", "", "rules", "Show the rules by which leads are scored and assigned", "Go to", "app"),
    _c("app.undo", "u", "undo", "Take back what was done last", "Change", "app"),
    _c("app.refresh", "r", "refresh", "Read again from the database", "View", "app"),
    _c("app.copy", "y", "copy", "Copy the current row or value to the clipboard", "View", "app"),
    _c("app.theme", "", "theme", "Choose the colours", "View", "app"),
    _c("app.show_log", "", "log", "Show the program's log", "Help", "app"),
    _c("app.back", "escape", "back", "Go one step back", "Go to", "app"),
    _c("app.close", "q", "close", "Close this screen; on a main screen leave the program", "Go to", "app"),
    _c("app.quit", "ctrl+q,ctrl+c", "quit", "Leave the program", "Go to", "app"),
    # Every list
    _c("list.open", "enter", "open", "Open the row under the cursor", "Move", "list", action="open_row"),
    _c("list.down", "down,j", "down", "One row down", "Move", "list", action="cursor_down"),
    _c("list.up", "up,k", "up", "One row up", "Move", "list", action="cursor_up"),
    _c("list.left", "left,h", "left", "Scroll the columns to the left", "Move", "list", action="columns_left"),
    _c("list.right", "right,l", "right", "Scroll the columns to the right", "Move", "list", action="columns_right"),
    _c("list.page_down", "pagedown,ctrl+d", "page down", "One page down", "Move", "list", action="page_down"),
    _c("list.page_up", "pageup,ctrl+u", "page up", "One page up", "Move", "list", action="page_up"),
    _c("list.first", "home,g", "first", "Go to the first row", "Move", "list", action="first_row"),
    _c("list.last", "end,G", "last", "Go to the last row", "Move", "list", action="last_row"),
    _c("list.mark", "space", "mark", "Mark or unmark the row and go one down", "Mark", "list", action="toggle_mark"),
    _c("list.mark_all", "*", "mark all", "Mark everything that matches; again: unmark all", "Mark", "list",
       action="toggle_all"),
    _c("list.sort_next", ">", "sort by", "Sort by the next column", "View", "list",
       action="sort_next"),
    _c("list.sort_turn", "<", "turn sort", "Turn the order round", "View", "list", action="sort_turn"),
    # Today
    _c("today.work", "W", "work", "Work mode: one lead after another, one key for each outcome", "Change",
       "today leads board", permission="log"),
    _c("today.whose", "v", "whose", "Show my own work, my team's, or all", "View", "today"),
    _c("today.claim", "T", "claim", "Take the lead that is offered to you, if nobody was faster", "Change",
       "today notifications"),
    # Work mode
    *(
        _c(f"work.outcome_{n}", str(n), f"outcome {n}", f"Log outcome {n} of the list, and go on to the next lead",
           "Outcome", "work", permission="log")
        for n in range(1, 10)
    ),
    _c("work.note", "n", "note", "Write a note that goes with the outcome", "Outcome", "work", permission="log"),
    _c("work.when", "f", "when", "Another time for the next contact than the outcome's own", "Outcome", "work",
       permission="log"),
    _c("work.skip", "s", "skip", "Go on to the next lead without logging anything", "Outcome", "work"),
    _c("work.open", "enter", "open", "Show all about the lead", "Go to", "work"),
    # Leads
    _c("leads.search", "/", "search", "Search by name, phone, email or number", "Find", "leads board"),
    _c("leads.filter", "f", "filter", "Write or change the filter", "Find", "leads board"),
    _c("leads.clear", "F", "show all", "Take the filter away", "Find", "leads board"),
    _c("leads.columns", "v", "columns", "Choose the columns", "View", "leads"),
    _c("leads.new", "n", "new", "Add a lead", "Change", "leads today board", permission="create"),
    _c("leads.edit", "e", "edit", "Edit the lead", "Change", "leads lead today board", permission="edit"),
    _c("leads.status", "s", "status", "Move to another status", "Change", "leads lead today board",
       permission="status"),
    _c("leads.assign", "a", "assign", "Assign to somebody, or to nobody", "Change", "leads lead today board",
       permission="assign"),
    _c("leads.log", "c", "log", "Log a contact: call, visit, message, note", "Change", "leads lead today board",
       permission="log"),
    _c("leads.convert", "C", "convert", "Make a customer of the lead, and a router user if wanted", "Change",
       "leads lead today work board", danger=True, permission="convert"),
    _c("leads.lose", "x", "lose", "Mark as lost, with the reason; open a lost or converted lead again", "Change",
       "leads lead today board", permission="lose"),
    _c("leads.tag", "t", "tag", "Add and take away tags", "Change", "leads lead today board", permission="edit"),
    _c("leads.follow_up", "f", "follow-up", "Set when to contact the lead next", "Change", "lead today",
       permission="edit"),
    _c("leads.interest", "i", "interest", "Choose the products or units the lead wants", "Change",
       "leads lead today board", permission="edit"),
    _c("leads.protect", "p", "protect", "Protect against change, or lift the protection", "Change", "leads lead today",
       permission="protect"),
    _c("leads.delete", "d", "delete", "Delete; it can be restored", "Change", "leads lead today board", danger=True,
       permission="delete"),
    _c("leads.promise", "m", "promise", "Note a promise to clear a loan; clear it, or call it off", "Change",
       "leads lead today loans board", permission="loans"),
    _c("leads.restore", "D", "restore", "Restore a deleted lead", "Change", "leads lead", permission="delete"),
    _c("leads.documents", "o", "documents", "Open a document, or attach a file", "Change", "leads lead today board",
       permission="edit"),
    _c("leads.message", "w", "write", "Write one message to the lead: a template, or your own words", "Change",
       "leads lead today work board", permission="log"),
    _c("leads.enroll", "E", "enroll", "Put into a drip: messages and tasks over time", "Change", "leads lead",
       permission="campaign"),
    _c("leads.stop_drip", "S", "stop drip", "Stop the drips the lead is in", "Change", "lead", permission="log"),
    _c("leads.customer", "O", "customer", "Show the customer the lead has become", "Go to", "lead"),
    _c("leads.booking", "B", "booking", "Note a booking of the lead", "Change", "leads lead", permission="create"),
    _c("leads.behavior", "V", "did", "Note what the lead did elsewhere: looked at a page, opened a mail", "Change",
       "lead", permission="log"),
    _c("leads.journey", "J", "its way", "Show the lead's way: statuses and how long, contacts, idle times", "Go to",
       "leads lead today", permission="read"),
    _c("leads.score", "P", "points", "Show why the lead has its score: every rule with its points", "View", "lead",
       permission="read"),
    _c("leads.next", "]", "next", "Show the next lead of the list", "Go to", "lead"),
    _c("leads.previous", "[", "previous", "Show the lead before it in the list", "Go to", "lead"),
    _c("leads.imports", "I", "import", "Import leads from a file", "Files", "leads", permission="import"),
    _c("leads.campaign", "M", "campaign", "Write a campaign to what the filter finds, or to the marked leads", "Change",
       "leads", permission="campaign"),
    _c("leads.exports", "X", "export", "Export what the filter finds to a file", "Files", "leads",
       permission="export"),
    # The board
    _c("board.open", "enter", "open", "Open the lead under the cursor", "Move", "board"),
    _c("board.down", "down,j", "down", "One card down", "Move", "board"),
    _c("board.up", "up,k", "up", "One card up", "Move", "board"),
    _c("board.left", "left,h", "left", "To the column on the left", "Move", "board"),
    _c("board.right", "right,l", "right", "To the column on the right", "Move", "board"),
    _c("board.page_down", "pagedown,ctrl+d", "page down", "One screen of cards down", "Move", "board"),
    _c("board.page_up", "pageup,ctrl+u", "page up", "One screen of cards up", "Move", "board"),
    _c("board.first", "home,g", "first", "To the first card of the column", "Move", "board"),
    _c("board.last", "end,G", "last", "To the last card of the column", "Move", "board"),
    _c("board.forward", ">,shift+right", "move on", "Move the card, or the marked ones, to the status on the right",
       "Change", "board", permission="status"),
    _c("board.backward", "<,shift+left", "move back", "Move the card, or the marked ones, to the status on the left",
       "Change", "board", permission="status"),
    _c("board.mark", "space", "mark", "Mark or unmark the card and go one down", "Mark", "board"),
    _c("board.mark_all", "*", "mark all", "Mark every card of the column; again: unmark all", "Mark", "board"),
    _c("board.fold", "v", "fold", "Fold the column to its count, or unfold it", "View", "board"),
    _c("board.pipeline", "p", "pipeline", "Show another pipeline", "View", "board"),
    # Forms and the filter line
    _c("form.save", "ctrl+s,f2", "save", "Save; also the button at the end", "Forms",
       "form compose rule"),
    _c("form.pick", "ctrl+o,f4", "choose", "Choose from the field's list, or open the lead that was found", "Forms",
       "form compose rule"),
    _c("form.link", "ctrl+l", "link", "Fill the blanks of the lead that was found, instead of a second lead", "Forms",
       "form"),
    # The conversion wizard
    _c("convert.go", "enter", "go on", "Go on to the next step; on the plan: convert", "Convert", "convert"),
    _c("convert.forward", "ctrl+s,f2", "go on", "Go on to the next step, from within a field", "Convert", "convert"),
    _c("convert.change", "e", "change", "Go back and change what will be made", "Convert", "convert"),
    _c("convert.password", "p", "password", "Show or hide the router user's password", "Convert", "convert"),
    _c("convert.reveal", "f3", "password", "Show or hide the password, from within a field", "Convert", "convert"),
    _c("convert.generate", "f5", "new passwd", "Make another password", "Convert", "convert"),
    _c("convert.again", "t", "try again", "Ask the router again, or try the conversion again", "Convert", "convert"),
    _c("convert.without", "w", "no user", "Convert without a router user", "Convert", "convert"),
    _c("convert.link", "l,ctrl+l", "link", "Link the lead to the customer that has its phone or email", "Convert",
       "convert"),
    # Customers
    _c("customers.search", "/", "search", "Search by name, phone or email", "Find", "customers"),
    _c("customers.state", "f", "by state", "Show only active, suspended or partly suspended ones; then all again",
       "Find", "customers"),
    _c("customers.unseen", "N", "not online", "Show only those never seen online for some days; again: all", "Find",
       "customers"),
    _c("customers.clear", "F", "show all", "Take search and filters away", "Find", "customers"),
    _c("customers.suspend", "S", "service", "Suspend the customer's router users, or resume them", "Change",
       "customers customer", danger=True, permission="convert"),
    _c("customers.package", "P", "package", "Change the package of a router user", "Change", "customers customer",
       permission="convert"),
    _c("customers.edit", "e", "edit", "Edit the customer", "Change", "customers customer", permission="convert"),
    _c("customers.family", "a", "family", "Put into a family group, or make one", "Change", "customers customer",
       permission="convert"),
    _c("customers.password", "p", "password", "Show the password of a router user; this is written down", "View",
       "customers customer", permission="convert"),
    _c("customers.documents", "o", "documents", "Show a document", "View", "customer"),
    _c("customers.lead", "l", "lead", "Open the lead that became the customer", "Go to", "customer"),
    # Suspend, resume, change the package
    _c("service.go", "enter", "go on", "Take the choice; on the plan: do it", "Service", "service"),
    _c("service.change", "e", "change", "Choose another package, or write the reason", "Service", "service"),
    _c("service.again", "t", "try again", "Ask the routers again what would change", "Service", "service"),
    # Routers, users, office, history
    _c("routers.new", "n", "new", "Add a router", "Change", "routers", permission="config"),
    _c("routers.edit", "e", "edit", "Edit the router", "Change", "routers", permission="config"),
    _c("routers.test", "t", "test", "Ask the router who it is, and how fast it answers", "Router", "routers"),
    _c("routers.test_all", "T", "test all", "Ask all routers in use who they are, side by side", "Router", "routers"),
    _c("routers.capacity", "c", "load", "Ask the routers for sessions, free addresses and processor now", "Router",
       "routers"),
    _c("routers.audit", "a", "audit", "Compare the users on the router with the store", "Router", "routers"),
    _c("routers.audit_all", "A", "audit all", "Compare the users on all routers with the store", "Router", "routers"),
    _c("routers.trust", "P", "pin", "Show the router's certificate, and pin it if it is the right one", "Router",
       "routers", permission="config"),
    _c("routers.show_users", "o", "its users", "Show the users this program made on the router", "Router", "routers"),
    _c("routers.pending", "p", "pending", "Settle what was left open with routers", "Router", "routers",
       permission="convert"),
    _c("routers.remove", "d", "remove", "Remove the router from the list", "Change", "routers", danger=True,
       permission="config"),
    _c("audit.mend", "f", "mend", "Show what would be done about the row under the cursor, and do it", "Router",
       "audit"),
    _c("audit.mend_all", "F", "mend all", "Mend the marked rows, or everything that was found, after typing how many",
       "Router", "audit", danger=True),
    _c("pending.resolve", "R", "settle", "Look at the routers, undo what was left there, and write it down", "Router",
       "pending", permission="convert"),
    _c("users.new", "n", "new", "Add a user", "Change", "users", permission="users"),
    _c("users.edit", "e", "edit", "Edit the user", "Change", "users", permission="users"),
    _c("users.disable", "d", "disable", "Disable the user, or enable again", "Change", "users", danger=True,
       permission="users"),
    _c("users.test_alert", "t", "test alert", "Send a test to the user's alert addresses", "Change", "users",
       permission="users"),
    _c("users.roles", "o", "roles", "Show what each role may do", "View", "users"),
    _c("users.keys", "K", "keys", "Show the keys with which other programs act as users", "View", "users"),
    _c("keys.new", "n", "new", "Make a key for a user; it is shown once", "Change", "keys"),
    _c("keys.revoke", "d", "revoke", "End the key: whoever has it is let in no more", "Change", "keys", danger=True),
    _c("keys.forms", "w", "forms", "Show the forms of websites that may send leads", "View", "keys",
       permission="config"),
    _c("webforms.new", "n", "new", "Make a website form with a key of its own", "Change", "webforms",
       permission="config"),
    _c("webforms.remove", "d", "remove", "Take nothing from this form any more", "Change", "webforms", danger=True,
       permission="config"),
    _c("office.new", "n", "new", "Add an entry", "Change", "office", permission="config"),
    _c("office.edit", "e", "edit", "Edit the entry", "Change", "office", permission="config"),
    _c("office.retire", "d", "retire", "Retire the entry: kept where used, offered no more", "Change", "office",
       danger=True, permission="config"),
    _c("office.push", "p", "push", "Bring the package to routers, as a profile", "Router", "office",
       permission="config"),
    _c("office.drift", "v", "drift", "Show where routers differ from the packages", "Router", "office",
       permission="config"),
    _c("office.runs", "x", "its runs", "Show what the trigger did, and the leads it leaves alone", "View", "office"),
    _c("office.rules", "R", "rules", "Show how leads are scored and who gets them: the rules", "Go to", "office"),
    _c("office.next_tab", "tab,]", "next kind", "Show the next kind of entry", "Go to", "office"),
    _c("office.previous_tab", "shift+tab,[", "last kind", "Show the kind before it", "Go to", "office"),
    _c("rules.new", "n", "new", "Add a rule", "Change", "rules", permission="config"),
    _c("rules.edit", "e", "edit", "Change the rule; what it does is shown before it is saved", "Change", "rules",
       permission="config"),
    _c("rules.switch", "d", "off/on", "Switch the rule off, or on again", "Change", "rules", permission="config"),
    _c("rules.sooner", "minus,ctrl+up", "sooner", "Move the rule one place up", "Change", "rules",
       permission="config"),
    _c("rules.later", "plus,ctrl+down", "later", "Move the rule one place down", "Change", "rules",
       permission="config"),
    _c("rules.remove", "D", "remove", "Take the rule away", "Change", "rules", danger=True, permission="config"),
    _c("rules.rehearse", "R", "rehearse", "See on your own past what switching the rule off or on would have done",
       "View", "rules", permission="config"),
    _c("rules.worth", "W", "worth", "See on your own past what each of the rules is worth", "View", "rules",
       permission="config"),
    _c("rules.try_it", "t", "try it", "Choose a lead, and see line by line what the rules make of it", "View", "rules"),
    _c("rules.found", "o", "its leads", "Show the leads for which the rule holds", "Go to", "rules"),
    _c("rules.automatic", "a", "by itself", "Say which new leads are assigned by themselves", "Change", "rules",
       permission="config"),
    _c("rules.which", "v", "pipeline", "Show the rules of one pipeline, then of the next; then all again", "View",
       "rules"),
    _c("rules.next_tab", "tab,],shift+tab,[", "other list", "Show who gets leads instead of scores, or scores again",
       "Go to", "rules"),
    _c("rule.rehearse", "ctrl+g,f5", "rehearse", "See on your own past what the rule would have done, before saving it",
       "Preview", "rule", permission="config"),
    _c("rule.to_lead", "ctrl+t,f3", "which lead", "Choose the lead for which the rule is shown", "Preview", "rule"),
    _c("replay.save", "s", "save it", "Take the change over as it was rehearsed", "Change", "replay",
       permission="config"),
    _c("replay.months", "m", "months", "Look further back, or less far", "View", "replay"),
    _c("replay.look_ahead", "d", "days", "Look at each lead as it stood so many days after it came in", "View",
       "replay"),
    _c("push.go", "p", "push", "Write to the marked routers", "Router", "push", danger=True, permission="config"),
    _c("push.again", "t", "ask again", "Ask all routers again", "Router", "push"),
    _c("push.service", "s", "service", "Each router's own service, PPPoE, or Hotspot", "Router", "push"),
    _c("drift.push", "p", "push", "Push the package to the router of this row", "Router", "drift",
       permission="config"),
    _c("drift.again", "t", "ask again", "Ask all routers again", "Router", "drift"),
    _c("history.search", "/", "search", "Search the history", "Find", "history"),
    _c("history.entries", "v", "entries", "Show every single entry instead of acts, or acts again", "View", "history"),
    _c("history.undo_batch", "x", "take back", "Take back the act under the cursor", "Change", "history",
       danger=True),
    _c("stats.year", "y", "year", "Choose the year of the months", "Which leads", "stats", permission="stats"),
    _c("stats.year_before", "[", "last year", "Show the year before", "Which leads", "stats",
       permission="stats"),
    _c("stats.year_after", "]", "next year", "Show the year after", "Which leads", "stats",
       permission="stats"),
    _c("stats.dates", "d", "dates", "Count only leads created in a time", "Which leads", "stats", permission="stats"),
    _c("stats.filter", "f,slash", "filter", "Count only what a filter finds", "Which leads", "stats",
       permission="stats"),
    _c("stats.clear", "F", "count all", "Count all leads again: no filter, no dates, all pipelines", "Which leads",
       "stats", permission="stats"),
    _c("stats.pipeline", "p", "pipeline", "Count one pipeline only, or all", "Which leads", "stats",
       permission="stats"),
    _c("stats.next_panel", "tab", "next part", "Go to the next part of the wall", "Move", "stats"),
    _c("stats.previous_panel", "shift+tab", "last part", "Go to the part before it", "Move", "stats"),
    _c("stats.forecast", "P", "forecast", "Show what the open leads are expected to bring", "Go to", "stats",
       permission="stats"),
    _c("stats.exports", "x", "export", "Write the figures to a file: a table, a page, or a picture", "Files", "stats",
       permission="stats"),
    _c("forecast.use", "U", "use them", "Give the statuses the probabilities that were measured", "Change", "forecast",
       permission="config"),
    _c("forecast.next_pipeline", "p", "pipeline", "The next pipeline, or all of them", "Which leads", "forecast"),
    _c("forecast.how", "d", "the past", "Which time of the past counts, and how long an open lead is waited for",
       "Which leads", "forecast"),
    _c("stats.copy_figure", "Y", "copy", "Copy the figure, and the filter that finds its leads", "View", "stats"),
    _c("loans.new", "n", "new", "Note a promise of any lead", "Change", "loans", permission="loans"),
    _c("loans.clear", "c", "clear", "The lead has paid: clear the promise", "Change", "loans", permission="loans"),
    _c("loans.cancel", "x", "call off", "Call the promise off: it is awaited no more", "Change", "loans",
       permission="loans"),
    _c("loans.which", "f", "which", "Show overdue ones, then those due by today, then the settled too; then open ones",
       "Find", "loans"),
    _c("loans.mine", "o", "mine", "Show only those of leads assigned to me; again: everybody's", "Find", "loans"),
    _c("loans.search", "/", "search", "Search by the lead's name, phone, email or number", "Find", "loans"),
    _c("loans.show_all", "F", "show all", "Take search and filters away", "Find", "loans"),
    _c("jobs.retry", "t", "try again", "Let what failed be tried again", "Change", "jobs"),
    _c("jobs.retry_all", "T", "all again", "Let everything that failed be tried again", "Change", "jobs"),
    _c("jobs.give_up", "x", "give up", "Let what failed rest: it is not tried again", "Change", "jobs", danger=True),
    _c("jobs.work_now", "w", "do it now", "Do everything that is due now, whoever else is at work", "Change", "jobs",
       permission="config"),
    # Notices
    _c("notifications.snooze", "s", "snooze", "Show it again later: in 10 minutes, in an hour, tomorrow, at a time",
       "Notices", "notifications"),
    _c("notifications.seen", "d", "seen", "It is dealt with", "Notices", "notifications"),
    _c("notifications.all_seen", "D", "all seen", "All of them are dealt with", "Notices", "notifications"),
    _c("notifications.with_seen", "v", "with seen", "Show those dealt with, too; again: only the others", "View",
       "notifications"),
    _c("notifications.addresses", "a", "alerts to", "Where notices go that you do not look at: your alert addresses",
       "Notices", "notifications"),
    _c("notifications.test_alert", "t", "test", "Send a test to your alert addresses", "Notices", "notifications"),
    _c("notifications.desktop", "o", "desktop", "Notices of the terminal's desktop too (OSC 9), or no more", "Notices",
       "notifications"),
    _c("intakes.edit", "e", "correct", "Correct what came in, and try again", "Change", "intakes", permission="create"),
    _c("intakes.retry", "t", "try again", "Try again as it is", "Change", "intakes", permission="create"),
    _c("intakes.drop", "d", "drop", "Give it up, with the reason; it can still be retried", "Change", "intakes",
       danger=True, permission="create"),
    _c("intakes.new", "n", "new", "Note a booking by hand", "Change", "intakes", permission="create"),
    _c("intakes.every", "v", "show all", "Show everything that came in, or only what failed", "View", "intakes"),
    # Writing to leads
    _c("campaigns.drips", "d", "drips", "Show the drips: messages and tasks that follow one another over time", "Go to",
       "campaigns"),
    _c("campaigns.templates", "t", "templates", "Show the texts that are sent again and again", "Go to",
       "campaigns office"),
    _c("campaigns.channels", "c", "channels", "Show what messages are sent by: what is ready, what was stopped",
       "Go to", "campaigns office"),
    _c("campaigns.suppressions", "o", "opted out", "Show the addresses that want no messages", "Go to",
       "campaigns office"),
    _c("campaigns.handed", "H", "handed", "Say of what was handed to a phone or browser whether it went", "Change",
       "campaigns campaign today leads lead", permission="log"),
    _c("handed.went", "w", "it went", "It went: the message is sent, as you say", "Change", "handed",
       permission="log"),
    _c("handed.not_gone", "n", "it did not", "It did not go: the message failed, and may be tried again", "Change",
       "handed", permission="log"),
    _c("handed.link", "c", "copy link", "Copy the link that opens the message on a phone or in a browser", "View",
       "handed"),
    _c("handed.lead", "o", "lead", "Show the lead", "Go to", "handed"),
    _c("drips.new", "n", "new", "Make a drip", "Change", "drips", permission="campaign"),
    _c("drips.edit", "e", "steps", "Change the steps: a new version, for those who begin from now on", "Change",
       "drips drip", permission="campaign"),
    _c("drips.start", "S", "start", "Let the drip run: it takes leads and does what is due", "Change", "drips drip",
       permission="campaign"),
    _c("drips.pause", "P", "pause", "Pause the whole drip, or let it go on", "Change", "drips drip",
       permission="campaign"),
    _c("drips.stop", "X", "stop all", "End the drip for all who are in it", "Change", "drips drip", danger=True,
       permission="campaign"),
    _c("drips.delete", "D", "delete", "Delete the drip; what was sent stays", "Change", "drips", danger=True,
       permission="campaign"),
    _c("drips.enroll", "E", "enroll", "Put the leads of a filter into the drip", "Change", "drips drip",
       permission="campaign"),
    _c("drip.hold", "p", "hold", "Pause the marked leads' way through the drip, or let them go on", "Change", "drip",
       permission="log"),
    _c("drip.leave", "x", "take out", "Take the marked leads out of the drip", "Change", "drip", permission="log"),
    _c("drip.which", "f", "which", "Show the active ones, the paused, those that ended; then all again", "Find",
       "drip"),
    _c("steps.new", "n", "new", "Add a step behind this one", "Steps", "steps"),
    _c("steps.edit", "e", "edit", "Edit the step", "Steps", "steps"),
    _c("steps.remove", "d", "remove", "Take the step away", "Steps", "steps"),
    _c("steps.later", "plus,ctrl+down", "later", "Move the step one place down", "Steps", "steps"),
    _c("steps.sooner", "minus,ctrl+up", "sooner", "Move the step one place up", "Steps", "steps"),
    _c("steps.about", "a", "drip", "Change the drip's name, channel, and who comes in by itself", "Steps", "steps"),
    _c("steps.lead", "p", "for whom", "Show the texts as another lead would read them", "View", "steps"),
    _c("steps.save", "ctrl+s,f2", "save", "Save the steps: a new version", "Steps", "steps"),
    _c("templates.new", "n", "new", "Add a template", "Change", "templates", permission="campaign"),
    _c("templates.edit", "e", "edit", "Edit the template, and see it as a lead will", "Change", "templates",
       permission="campaign"),
    _c("templates.retire", "d", "retire", "Offer the template no more, or again", "Change", "templates",
       permission="campaign"),
    _c("templates.approved", "a", "approved", "Take over a template that WhatsApp has approved", "Change", "templates",
       permission="campaign"),
    _c("channels.edit", "e", "set up", "Set the channel up: its settings, limits and passwords", "Change", "channels",
       permission="config"),
    _c("channels.probe", "p", "probe", "Ask the channel whether it would send", "View", "channels",
       permission="config"),
    _c("channels.test", "t", "test", "Send a test to yourself", "Change", "channels", permission="config"),
    _c("channels.resume", "R", "resume", "Let a channel send again that stopped itself", "Change", "channels",
       permission="config"),
    _c("channels.switch", "d", "off/on", "Switch the channel off, or on again", "Change", "channels",
       permission="config"),
    _c("suppressions.search", "/", "search", "Search by address or reason", "Find", "suppressions"),
    _c("suppressions.new", "n", "new", "Add an address that wants no messages", "Change", "suppressions",
       permission="log"),
    _c("suppressions.lift", "d", "lift", "Let the address be written to again, with the reason", "Change",
       "suppressions", danger=True, permission="campaign"),
    _c("suppressions.imports", "I", "import", "Import addresses from a file", "Files", "suppressions",
       permission="campaign"),
    _c("suppressions.exports", "X", "export", "Write the list to a file", "Files", "suppressions",
       permission="campaign"),
    _c("suppressions.show_all", "F", "show all", "Take the search away", "Find", "suppressions"),
    # Campaigns
    _c("campaigns.search", "/", "search", "Search by the name of the campaign", "Find", "campaigns"),
    _c("campaigns.which", "f", "which", "Show only those going on, then scheduled, drafts, ended ones; then all again",
       "Find", "campaigns"),
    _c("campaigns.show_all", "F", "show all", "Take search and filter away", "Find", "campaigns"),
    _c("campaigns.new", "n,a", "new", "Write a new campaign", "Change", "campaigns", permission="campaign"),
    _c("campaigns.edit", "e", "edit", "Change the campaign, before it has started", "Change", "campaigns campaign",
       permission="campaign"),
    _c("campaigns.start", "S", "start", "Look at who would get what, and when; then start it", "Change",
       "campaigns campaign", danger=True, permission="campaign"),
    _c("campaigns.schedule", "s", "schedule", "Set when it starts by itself, or take that back", "Change",
       "campaigns campaign", permission="campaign"),
    _c("campaigns.pause", "P", "pause", "Send nothing more until it is resumed", "Change", "campaigns campaign",
       permission="campaign"),
    _c("campaigns.resume", "R", "resume", "Go on sending to those who wait", "Change", "campaigns campaign",
       permission="campaign"),
    _c("campaigns.cancel", "x", "cancel", "End it: what was not sent is never sent", "Change", "campaigns campaign",
       danger=True, permission="campaign"),
    _c("campaigns.test", "T", "test", "Send one message to yourself; it is not counted", "Change",
       "campaigns campaign rehearsal", permission="campaign"),
    _c("campaigns.duplicate", "Y", "copy", "Make a new draft of the same text and audience", "Change",
       "campaigns campaign", permission="campaign"),
    _c("campaigns.delete", "D", "delete", "Take it off the list; what was sent stays with the leads", "Change",
       "campaigns", danger=True, permission="campaign"),
    _c("campaigns.recipients", "v", "recipients", "Show to whom, and what became of each message", "Go to",
       "campaigns campaign"),
    _c("campaigns.unsettled", "w", "unknown", "Show those of whom nobody knows whether it went, to say so", "Go to",
       "campaign"),
    _c("campaigns.retry", "t", "try again", "Let what failed be sent again, where that can help", "Change",
       "campaign recipients", permission="campaign"),
    _c("campaigns.exports", "X", "export", "Write the recipients, and what became of each message, to a CSV file",
       "Files", "campaign recipients", permission="campaign"),
    _c("compose.next_lead", "ctrl+n,f9", "next", "Show how the text reads for the next lead of the audience", "Preview",
       "compose"),
    _c("compose.last_lead", "ctrl+r,f8", "before", "Show how the text reads for the lead before", "Preview", "compose"),
    _c("compose.to_lead", "ctrl+t,f3", "for whom", "Choose the lead for which the text is shown", "Preview",
       "compose"),
    _c("compose.rehearse", "ctrl+g,f5", "rehearse", "Look at who would get what, and when, before it is saved",
       "Preview", "compose"),
    _c("rehearsal.go", "S", "start", "Start it now, after the number of messages was typed", "Change", "rehearsal",
       danger=True, permission="campaign"),
    _c("recipients.search", "/", "search", "Search by name, phone or number of the lead", "Find", "recipients"),
    _c("recipients.which", "f", "which", "Show only those in one state, then in the next; then all again", "Find",
       "recipients"),
    _c("recipients.show_all", "F", "show all", "Take search and filter away", "Find", "recipients"),
    _c("recipients.lead", "o", "lead", "Open the lead", "Go to", "recipients"),
    _c("recipients.went", "w", "it went", "Say of an unknown message, or of the marked ones, that it went", "Change",
       "recipients", permission="campaign"),
    _c("recipients.not_gone", "n", "did not go", "Say of an unknown message, or of the marked ones, that it did not go",
       "Change", "recipients", permission="campaign"),
    _c("log.copy_all", "Y", "copy all", "Copy the shown lines to the clipboard", "View", "log"),
)  # fmt: skip

BY_ID: Final[Mapping[str, Command]] = {command.id: command for command in COMMANDS}

_DISPLAY: Final[Mapping[str, str]] = {
    "escape": "esc",
    "question_mark": "?",
    "slash": "/",
    "plus": "+",
    "minus": "-",
    "colon": ":",
    "asterisk": "*",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


def in_scope(*scopes: str) -> tuple[Command, ...]:
    """The commands that apply in any of `scopes`, in table order."""
    wanted = set(scopes)
    return tuple(command for command in COMMANDS if wanted.intersection(command.scope))


def by_group(found: Sequence[Command]) -> list[Command]:
    """The same commands, those of a group together, groups in the order of their first."""
    groups = list(dict.fromkeys(command.group for command in found))
    return sorted(found, key=lambda command: groups.index(command.group))


def effective_keys(command: Command, keymap: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The keys of `command` under the person's keymap."""
    keys = (keymap or {}).get(command.id, command.keys)
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def show_key(key: str) -> str:
    """How a key is written for a person: `ctrl+p` → `^p`, `question_mark` → `?`."""
    shown = _DISPLAY.get(key, key)
    return shown.replace("ctrl+", "^") if shown != key or "ctrl+" in shown else shown


def bindings_for(*scopes: str) -> list[Binding]:
    """Textual bindings, with the command id as binding id so that the keymap reaches them."""
    from textual.binding import Binding

    return [
        Binding(command.keys, command.textual_action, command.label, show=False, id=command.id)
        for command in in_scope(*scopes)
        if command.keys
    ]


def check_keymap(keymap: Mapping[str, str], where: str = "the config file") -> dict[str, str]:
    """The keymap in Textual's words; raises UsageError that names `where` and the entry that is wrong."""
    from textual.keys import Keys, _character_to_key

    named = {key.value for key in Keys}
    checked: dict[str, str] = {}
    for command_id, keys in keymap.items():
        if command_id not in BY_ID:
            near = difflib.get_close_matches(command_id, BY_ID, 1)
            hint = f"did you mean {near[0]}?" if near else "`python -m leadtui.commands` lists the ids"
            raise UsageError(f"{where}: keys.{command_id}: there is no such command", field=command_id, hint=hint)
        normal: list[str] = []
        for key in (part.strip() for part in keys.split(",")):
            *modifiers, last = key.split("+") if key != "+" else ["+"]
            if len(last) == 1:
                last = _character_to_key(last)
                known = True
            else:
                known = last in named or _is_character_name(last)
            if not known or any(word not in ("ctrl", "shift", "alt", "super", "hyper", "meta") for word in modifiers):
                raise UsageError(
                    f"{where}: keys.{command_id}: {key!r} is not a key",
                    field=command_id,
                    hint="a character, or a name such as f5, enter, space, ctrl+k; several with commas",
                )
            normal.append("+".join((*modifiers, last)))
        checked[command_id] = ",".join(normal)
    _check_clashes(checked, where)
    return checked


def _is_character_name(name: str) -> bool:
    """Whether Textual would make a key of this name from one character (`slash`, `question_mark`)."""
    from textual.keys import _character_to_key

    return any(_character_to_key(chr(code)) == name for code in range(33, 0x250))


def _check_clashes(checked: Mapping[str, str], where: str) -> None:
    """Two commands of one screen on one key: the first would hide the second without a word."""
    from textual.keys import _character_to_key

    def normal(key: str) -> str:
        return _character_to_key(key) if len(key) == 1 else key

    for command_id, keys in checked.items():
        mine = BY_ID[command_id]
        for other in COMMANDS:
            together = _together(mine, other)
            if other.id == command_id or not together:
                continue
            others = {normal(key) for key in effective_keys(other, checked)}
            for key in keys.split(","):
                if key in others:
                    raise UsageError(
                        f"{where}: keys.{command_id}: {show_key(key)} is already the key of {other.id}",
                        field=command_id,
                        hint=f"give {other.id} another key too",
                    )


def _together(one: Command, two: Command) -> bool:
    """Whether both can be on one screen: lists are in most of them, the app's commands in all."""
    if {one.id, two.id} == {"stats.year", "app.copy"}:
        return False  # on the wall of figures `y` is the year; there `Y` copies
    if any(a.id.startswith("work.outcome_") and b.action.startswith("app.go_to") for a, b in ((one, two), (two, one))):
        return False  # in work mode the digits are outcomes, not places
    scopes, others = set(one.scope), set(two.scope)
    if scopes & others or "app" in scopes | others:
        return True
    with_list = {
        "leads", "customers", "routers", "users", "office", "history", "push", "drift", "notifications", "loans",
        "intakes", "campaigns", "recipients", "handed", "drips", "drip", "steps", "templates", "channels",
        "suppressions", "keys", "webforms", "rules", "stats",
    }  # fmt: skip
    return ("list" in scopes and bool(others & with_list)) or ("list" in others and bool(scopes & with_list))


def markdown() -> str:
    """The key table of the README."""
    lines: list[str] = []
    for scope, title in SCOPES.items():
        rows = [command for command in COMMANDS if command.scope[0] == scope]
        if not rows:
            continue
        lines += [f"### {title}", "", "| Key | What it does | Id for the keymap |", "|---|---|---|"]
        for command in rows:
            keys = " ".join(f"`{show_key(key)}`" for key in effective_keys(command)) or "–"
            lines.append(f"| {keys} | {command.sentence} | `{command.id}` |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def listing() -> str:
    """Ids and keys, one per line, for a person who writes a keymap."""
    return "".join(f"{command.id:24}{command.keys:18}{command.sentence}\n" for command in COMMANDS)


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m leadtui.commands [--markdown]`."""
    import sys

    chosen: Iterable[str] = sys.argv[1:] if arguments is None else arguments
    sys.stdout.write(markdown() if "--markdown" in chosen else listing())


if __name__ == "__main__":
    main()
