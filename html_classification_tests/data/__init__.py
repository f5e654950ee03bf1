"""Tests of the files below ``data/``."""
