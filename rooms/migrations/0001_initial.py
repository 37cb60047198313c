"""The first tables."""

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceMailbox",
            fields=[
                (
                    "device",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="mailbox",
                        serialize=False,
                        to="accounts.device",
                    ),
                ),
                ("last_seq", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Room",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("group_id", models.UUIDField(unique=True)),
                ("epoch", models.PositiveBigIntegerField(default=0)),
                ("last_seq", models.PositiveBigIntegerField(default=0)),
                ("floor", models.PositiveBigIntegerField(default=0)),
                ("log_index", models.PositiveBigIntegerField(default=0)),
                ("log_hash", models.BinaryField(max_length=32)),
                ("log_at_ms", models.BigIntegerField()),
                ("community_index", models.PositiveBigIntegerField()),
                ("commit_community_index", models.PositiveBigIntegerField(default=0)),
                ("commit_log_index", models.PositiveBigIntegerField(default=0)),
                ("locked", models.BooleanField(default=False)),
                ("expiry_seconds", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                ("nominee_until", models.DateTimeField(null=True)),
                (
                    "nominee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.device",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
                ("message_id", models.UUIDField()),
                ("epoch", models.PositiveBigIntegerField()),
                ("at_ms", models.BigIntegerField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("bucket_hour", models.PositiveBigIntegerField(db_index=True)),
                ("wrapped", models.BinaryField()),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.device"
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="rooms.room"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "standing",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("member", "Member"),
                            ("declined", "Declined"),
                            ("left", "Left"),
                            ("removed", "Removed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("role", models.CharField(default="member", max_length=6)),
                ("muted", models.BooleanField(default=False)),
                ("identity_key", models.BinaryField(max_length=32, null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("acceptance_body", models.BinaryField(null=True)),
                ("acceptance_signature", models.BinaryField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="accounts.account",
                    ),
                ),
                (
                    "invite",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.invite",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="rooms.room",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GroupLeaf",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending_add", "Pending Add"),
                            ("in_group", "In Group"),
                            ("pending_remove", "Pending Remove"),
                        ],
                        max_length=14,
                    ),
                ),
                ("due_index", models.PositiveBigIntegerField(default=0)),
                ("first_path_due", models.BooleanField(default=False)),
                ("path_at", models.DateTimeField(null=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="leaves",
                        to="accounts.device",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="leaves", to="rooms.room"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeviceEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("welcome", "Welcome"),
                            ("admitted", "Admitted"),
                            ("declined", "Declined"),
                            ("removed", "Removed"),
                            ("waiting", "Waiting"),
                        ],
                        max_length=8,
                    ),
                ),
                ("room_seq", models.PositiveBigIntegerField(null=True)),
                ("epoch", models.PositiveBigIntegerField(null=True)),
                ("payload", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField(db_index=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="accounts.device",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="rooms.room"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Commit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
                ("epoch", models.PositiveBigIntegerField()),
                ("at_ms", models.BigIntegerField(db_index=True)),
                ("commit", models.BinaryField()),
                ("commit_hash", models.BinaryField(max_length=32)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.device"
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="commits", to="rooms.room"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RoomEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("index", models.PositiveBigIntegerField()),
                ("seq", models.PositiveBigIntegerField()),
                ("action", models.CharField(max_length=16)),
                ("at_ms", models.BigIntegerField()),
                ("entry", models.BinaryField()),
                ("body", models.BinaryField(null=True)),
                ("signature", models.BinaryField()),
                ("hash", models.BinaryField(max_length=32, unique=True)),
                (
                    "room",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="rooms.room"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.CheckConstraint(
                condition=models.Q(("expiry_seconds__gte", 3600), ("expiry_seconds__lte", 2592000)),
                name="room_expiry_in_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="room_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "floor__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("last_seq"), "+", models.Value(1)
                        ),
                    )
                ),
                name="room_floor_not_ahead",
            ),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.CheckConstraint(
                condition=models.Q(("commit_log_index__lte", models.F("log_index"))),
                name="room_commit_knows_only_the_log",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("room", "seq"), name="message_seq_once"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(fields=("device", "message_id"), name="message_sent_once"),
        ),
        migrations.AddIndex(
            model_name="membership",
            index=models.Index(fields=["account", "standing"], name="membership_by_account"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("room", "account"), name="membership_once"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("standing__in", ["waiting", "member", "declined", "left", "removed"])),
                name="membership_standing_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["leader", "member"])), name="membership_role_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("identity_key__isnull", False), ("standing", "member")),
                    models.Q(
                        models.Q(("standing", "member"), _negated=True), ("muted", False), ("role", "member")
                    ),
                    _connector="OR",
                ),
                name="membership_powers_end_with_it",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("standing", "waiting"), _negated=True),
                    ("asked_at__isnull", False),
                    _connector="OR",
                ),
                name="membership_waiting_since",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("acceptance_body__isnull", True),
                        ("acceptance_signature__isnull", True),
                        ("invite__isnull", True),
                    ),
                    models.Q(
                        ("acceptance_body__isnull", False),
                        ("acceptance_signature__isnull", False),
                        ("invite__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="membership_acceptance_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="groupleaf",
            constraint=models.UniqueConstraint(fields=("room", "device"), name="leaf_once"),
        ),
        migrations.AddConstraint(
            model_name="groupleaf",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending_add", "in_group", "pending_remove"])),
                name="leaf_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="deviceevent",
            constraint=models.UniqueConstraint(fields=("device", "seq"), name="device_event_once"),
        ),
        migrations.AddConstraint(
            model_name="deviceevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("epoch__isnull", False),
                        ("kind", "welcome"),
                        ("payload__isnull", False),
                        ("room_seq__isnull", False),
                    ),
                    models.Q(
                        ("kind__in", ["admitted", "declined", "removed", "waiting"]),
                        ("epoch__isnull", True),
                        ("payload__isnull", True),
                        ("room_seq__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="device_event_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="commit",
            constraint=models.UniqueConstraint(fields=("room", "seq"), name="commit_seq_once"),
        ),
        migrations.AddConstraint(
            model_name="commit",
            constraint=models.UniqueConstraint(fields=("room", "epoch"), name="commit_one_for_each_epoch"),
        ),
        migrations.AddConstraint(
            model_name="commit",
            constraint=models.UniqueConstraint(fields=("room", "commit_hash"), name="commit_bytes_once"),
        ),
        migrations.AddConstraint(
            model_name="roomentry",
            constraint=models.UniqueConstraint(fields=("room", "index"), name="room_entry_index_once"),
        ),
        migrations.AddConstraint(
            model_name="roomentry",
            constraint=models.UniqueConstraint(fields=("room", "seq"), name="room_entry_seq_once"),
        ),
    ]
