from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_api_tokens")]

    operations = [
        migrations.AddField(
            model_name="preferences",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[
                    ("en", "English"),
                    ("zh-hant", "繁體中文"),
                    ("zh-hans", "简体中文"),
                    ("ja", "日本語"),
                ],
                default="",
                max_length=10,
            ),
            preserve_default=False,
        ),
    ]
