"""The keeper's lease."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="KeeperLease",
            fields=[
                ("name", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("holder", models.CharField(max_length=32)),
                ("term", models.PositiveBigIntegerField(default=0)),
                ("ends_at", models.DateTimeField()),
            ],
        ),
    ]
