from incidents.models.incident import CLOSED, Incident, IncidentQuerySet, TimelineEntry
from incidents.models.rules import EscalationStep, Mute, ReminderRules

__all__ = [
    "CLOSED",
    "EscalationStep",
    "Incident",
    "IncidentQuerySet",
    "Mute",
    "ReminderRules",
    "TimelineEntry",
]
