"""Protostar: a self-hosted answer service whose every claim cites its passage."""

from importlib.metadata import version

__version__ = version("protostar")
