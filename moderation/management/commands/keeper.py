"""``peerchat keeper``: do what is due by the clock, in a process of its own, until it is told to stop."""

import importlib
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Run a keeper alone: for PEERCHAT_KEEPER=apart. Of several one works."

    def handle(self, *args: Any, **options: Any) -> None:
        """Keep, unless the database is not the one that this version knows."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not up to date: run `peerchat migrate` first.")
        connection.close()
        # By name: the composition stands above this app.
        sys.exit(importlib.import_module("peerchat.serve_keeper").run())
