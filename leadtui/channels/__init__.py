"""The ways out to leads: one file per channel behind one small port, each in words of its own provider.

A channel knows no store and no service: it is given an `Account` and an `Outgoing`, and answers what came of it.
"""
