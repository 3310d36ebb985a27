"""Indexes in the order of the list and of the queue; full-text search over what the list shows.

The search index refers to jobs by rowid. `VACUUM` and a batch step that copies the table may renumber them: such a step
must create the triggers again and run INSERT INTO job_search(job_search) VALUES ('rebuild').
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("id", "display_name", "output_name", "dataset_name", "created_by_email", "created_by_name")


def upgrade() -> None:
    for replaced in ("objective", "created_at", "status"):
        op.execute(f"DROP INDEX ix_job_{replaced}")
    op.execute("CREATE INDEX ix_job_list ON job (objective, created_at DESC, id DESC)")
    op.execute("CREATE INDEX ix_job_list_by_status ON job (objective, status, created_at DESC, id DESC)")
    op.execute("CREATE INDEX ix_job_queue ON job (status, held, priority DESC, place, id)")
    _search()


def _search() -> None:
    names = ", ".join(COLUMNS)
    old, new = (", ".join(f"{row}.{name}" for name in COLUMNS) for row in ("old", "new"))
    add = f"INSERT INTO job_search(rowid, {names}) VALUES (new.rowid, {new});"
    drop = f"INSERT INTO job_search(job_search, rowid, {names}) VALUES ('delete', old.rowid, {old});"
    # External content: the text is kept once. Trigrams: any three characters in a row are found, not only words.
    op.execute(
        f"CREATE VIRTUAL TABLE job_search USING fts5({names}, content='job', content_rowid='rowid', tokenize='trigram')"
    )
    op.execute(f"CREATE TRIGGER job_search_insert AFTER INSERT ON job BEGIN {add} END")
    op.execute(f"CREATE TRIGGER job_search_delete AFTER DELETE ON job BEGIN {drop} END")
    # Only when one of these columns is written: progress, several times a second, costs nothing here.
    op.execute(f"CREATE TRIGGER job_search_update AFTER UPDATE OF {names} ON job BEGIN {drop} {add} END")
    op.execute("INSERT INTO job_search(job_search) VALUES ('rebuild')")
