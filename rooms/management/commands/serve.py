"""``peerchat serve``: run the server in this process until it is told to stop."""

import importlib
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Run the server: web, delivery and the keeper in one process."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve, unless the database is not the one that this version knows."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not up to date: run `peerchat migrate` first.")
        connection.close()
        # By name: serve is the composition and stands above this app.
        sys.exit(importlib.import_module("peerchat.serve").run())
