"""The first tables."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CommunityEntry",
            fields=[
                ("index", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("action", models.CharField(max_length=16)),
                ("entry", models.BinaryField()),
                ("body", models.BinaryField(null=True)),
                ("signature", models.BinaryField()),
                ("hash", models.BinaryField(unique=True)),
                ("at_ms", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="UsedNonce",
            fields=[
                ("nonce_hash", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("identity_key", models.BinaryField(max_length=32, unique=True)),
                ("handle", models.CharField(max_length=24, null=True)),
                ("handle_key", models.CharField(max_length=512, null=True, unique=True)),
                ("language", models.CharField(max_length=12)),
                ("profile_body", models.BinaryField(null=True)),
                ("profile_signature", models.BinaryField(null=True)),
                ("acceptance_body", models.BinaryField()),
                ("acceptance_signature", models.BinaryField()),
                ("sign_in_verifier_hash", models.BinaryField(max_length=32)),
                ("backup", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField()),
                ("forgotten_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("forgotten_at__isnull", True),
                                ("handle__isnull", False),
                                ("handle_key__isnull", False),
                                ("profile_body__isnull", False),
                                ("profile_signature__isnull", False),
                            ),
                            models.Q(
                                ("backup__isnull", True),
                                ("forgotten_at__isnull", False),
                                ("handle__isnull", True),
                                ("handle_key__isnull", True),
                                ("profile_body__isnull", True),
                                ("profile_signature__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="account_is_whole_or_forgotten",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Community",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("root", models.BinaryField(max_length=32)),
                ("name", models.CharField(max_length=80)),
                ("demo", models.BooleanField()),
                ("languages", models.JSONField(default=list)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="community_is_one")
                ],
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("device_key", models.BinaryField(max_length=32, unique=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("pin_locator_hash", models.BinaryField(max_length=32, null=True, unique=True)),
                ("pin_verifier_hash", models.BinaryField(max_length=32, null=True)),
                ("pin_tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DeviceSession",
            fields=[
                ("token_hash", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("ends_at", models.DateTimeField(db_index=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="accounts.device",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("invite_hash", models.BinaryField(max_length=32, unique=True)),
                ("role", models.CharField(max_length=16)),
                ("room_id", models.UUIDField(null=True)),
                ("certificate_body", models.BinaryField(null=True)),
                ("certificate_signature", models.BinaryField(null=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "inviter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invites_made",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "used_by",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invite",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="KeyPackage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("package", models.BinaryField()),
                ("package_hash", models.BinaryField(max_length=32)),
                ("last_resort", models.BooleanField()),
                ("expires_at", models.DateTimeField()),
                ("claimed_for", models.UUIDField(null=True)),
                ("claimed_at", models.DateTimeField(null=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="key_packages",
                        to="accounts.device",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AccountEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("index", models.PositiveBigIntegerField()),
                ("action", models.CharField(max_length=16)),
                ("entry", models.BinaryField()),
                ("body", models.BinaryField(null=True)),
                ("signature", models.BinaryField()),
                ("hash", models.BinaryField(unique=True)),
                ("at_ms", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["account", "index"],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "index"), name="account_entry_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Certification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identity_key", models.BinaryField(max_length=32)),
                ("role", models.CharField(max_length=16)),
                ("certified_at", models.DateTimeField()),
                ("effective_at", models.DateTimeField(null=True)),
                ("entry_index", models.PositiveBigIntegerField(unique=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_index", models.PositiveBigIntegerField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="certifications",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["account", "role"], name="certification_by_account")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["counselor", "leader", "steward"])),
                        name="certification_role_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("effective_at__isnull", True),
                            ("effective_at__gte", models.F("certified_at")),
                            _connector="OR",
                        ),
                        name="certification_not_backdated",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("revoked_at__isnull", True), ("revoked_index__isnull", True)),
                            models.Q(
                                ("revoked_at__isnull", False), ("revoked_index__gt", models.F("entry_index"))
                            ),
                            _connector="OR",
                        ),
                        name="certification_revoked_later",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("pin_locator_hash__isnull", True), ("pin_verifier_hash__isnull", True)),
                    models.Q(("pin_locator_hash__isnull", False), ("pin_verifier_hash__isnull", False)),
                    _connector="OR",
                ),
                name="device_pin_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="invite",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("certificate_body__isnull", True),
                        ("certificate_signature__isnull", True),
                        ("inviter__isnull", True),
                    ),
                    models.Q(
                        ("certificate_body__isnull", False),
                        ("certificate_signature__isnull", False),
                        ("inviter__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="invite_vouched_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="invite",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["counselor", "leader", "member", "steward"])),
                name="invite_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="invite",
            constraint=models.CheckConstraint(
                condition=models.Q(("used_at__isnull", True), ("revoked_at__isnull", True), _connector="OR"),
                name="invite_used_or_revoked",
            ),
        ),
        migrations.AddConstraint(
            model_name="keypackage",
            constraint=models.UniqueConstraint(fields=("device", "package_hash"), name="key_package_once"),
        ),
        migrations.AddConstraint(
            model_name="keypackage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("last_resort", True)),
                fields=("device",),
                name="key_package_one_last_resort",
            ),
        ),
        migrations.AddConstraint(
            model_name="keypackage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("claimed_at__isnull", True), ("claimed_for__isnull", True)),
                    models.Q(("claimed_at__isnull", False), ("claimed_for__isnull", False)),
                    _connector="OR",
                ),
                name="key_package_claim_whole",
            ),
        ),
    ]
