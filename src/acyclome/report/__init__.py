"""The report of a run: one HTML page, made from the files of the run folder alone, that opens without a network."""

from acyclome.report.document import write_report

__all__ = ["write_report"]
