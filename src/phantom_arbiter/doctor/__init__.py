"""Whether all that live trading rests on is as it should be: a list of checks, each with its cure."""

from phantom_arbiter.doctor.report import Check, DoctorReport, State

__all__ = ["Check", "DoctorReport", "State"]
