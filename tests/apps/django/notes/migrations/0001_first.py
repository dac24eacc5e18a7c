"""Makes the table, and writes the first note into it."""

from django.db import migrations, models


def write_first(apps, schema_editor):
    apps.get_model("notes", "Note").objects.create(text="Written by a migration")


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.CharField(max_length=200)),
            ],
        ),
        migrations.RunPython(write_first, migrations.RunPython.noop),
    ]
