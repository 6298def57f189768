from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0016_holds_and_drains'),
    ]

    operations = [
        migrations.AlterField(
            model_name='execution',
            name='reason',
            field=models.CharField(blank=True, choices=[('', ''), ('down', "Belfry was down at the time; the job's rule is to record it as missed"), ('deadline', 'the start deadline passed before it could start'), ('too_many', 'more due times had passed than are made up for after an outage'), ('coalesced', 'several due times had passed; the latest of them was run for all'), ('overlap', 'an earlier run had not ended'), ('replaced', 'a later run took its place'), ('paused', 'the job was paused'), ('ended', "the job's end date has passed"), ('broken', 'the job could not be scheduled'), ('rules', 'the rules of its time zone changed'), ('held', 'all starts were held'), ('owner', "the job's owner may not run code"), ('deleted', 'the job was deleted'), ('stopped', 'stopped by hand'), ('shutdown', 'its worker was shut down'), ('lost', 'its worker died or lost touch with the database'), ('overdue', 'it had not ended long after its time limit'), ('unstartable', 'it could not be started'), ('quota', 'as many runs of its account or category as may go on at once, or start in a minute'), ('retrying', 'an attempt failed; the next one waits')], max_length=12, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='execution',
            name='stop_reason',
            field=models.CharField(blank=True, choices=[('', ''), ('down', "Belfry was down at the time; the job's rule is to record it as missed"), ('deadline', 'the start deadline passed before it could start'), ('too_many', 'more due times had passed than are made up for after an outage'), ('coalesced', 'several due times had passed; the latest of them was run for all'), ('overlap', 'an earlier run had not ended'), ('replaced', 'a later run took its place'), ('paused', 'the job was paused'), ('ended', "the job's end date has passed"), ('broken', 'the job could not be scheduled'), ('rules', 'the rules of its time zone changed'), ('held', 'all starts were held'), ('owner', "the job's owner may not run code"), ('deleted', 'the job was deleted'), ('stopped', 'stopped by hand'), ('shutdown', 'its worker was shut down'), ('lost', 'its worker died or lost touch with the database'), ('overdue', 'it had not ended long after its time limit'), ('unstartable', 'it could not be started'), ('quota', 'as many runs of its account or category as may go on at once, or start in a minute'), ('retrying', 'an attempt failed; the next one waits')], max_length=12),
        ),
    ]
