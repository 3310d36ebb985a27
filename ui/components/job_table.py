"""The jobs table. Rows are plain values; the template shows them through `props.row`, so no text becomes markup."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from nicegui import ui

from core.actions import Action, offered
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.components.clock import short_date, time_of_day
from ui.components.queue_menu import queue_entries
from ui.design import ACTIONS, PILLS
from ui.texts import say

COLUMNS = ("Fine-tuning jobs", "Base model", "Dataset", "Created by", "Create time", "Status")

HEADER = r"""
<q-tr :props="props">
  <q-th class="ts-cell-check"><q-checkbox v-model="props.selected" dense size="sm" class="ts-checkbox"
        :aria-label="props.cols[0].all"></q-checkbox></q-th>
  <q-th v-for="col in props.cols" :key="col.name" :props="props">{{ col.label }}</q-th>
</q-tr>
"""

ROW = r"""
<tr class="ts-row" :class="{ 'ts-row-chosen': props.selected }" :data-job="props.row.id">
  <td class="ts-cell-check"><q-checkbox v-model="props.selected" dense size="sm" class="ts-checkbox ts-row-check"
        :aria-label="props.row.says.choose"></q-checkbox></td>
  <td :data-label="props.cols[0].label">
    <a class="ts-row-title" :href="props.row.url"><i v-if="props.row.pinned" class="ts-icon ts-i-pin ts-pinned"
       role="img" :aria-label="props.row.says.pinned"></i>{{ props.row.title }}</a>
    <span class="ts-id"><span :title="props.row.id">{{ props.row.id }}</span>
      <button type="button" class="ts-copy" :data-copy="props.row.id" :aria-label="props.row.says.copy_job">
        <i class="ts-icon ts-i-copy"></i><i class="ts-icon ts-i-check"></i></button></span>
  </td>
  <td :data-label="props.cols[1].label">
    <span class="ts-cell-name" :title="props.row.model">{{ props.row.model }}</span>
    <span class="ts-id"><span :title="props.row.model_id">{{ props.row.model_id }}</span>
      <button type="button" class="ts-copy" :data-copy="props.row.model_id"
              :aria-label="props.row.says.copy_model">
        <i class="ts-icon ts-i-copy"></i><i class="ts-icon ts-i-check"></i></button></span>
  </td>
  <td :data-label="props.cols[2].label">
    <span class="ts-cell-name" :title="props.row.dataset">{{ props.row.dataset }}</span>
    <span class="ts-id"><span :title="props.row.dataset_id">{{ props.row.dataset_id }}</span>
      <button type="button" class="ts-copy" :data-copy="props.row.dataset_id"
              :aria-label="props.row.says.copy_dataset">
        <i class="ts-icon ts-i-copy"></i><i class="ts-icon ts-i-check"></i></button></span>
  </td>
  <td :data-label="props.cols[3].label"><span class="ts-cell-name" :title="props.row.by">{{ props.row.by }}</span></td>
  <td :data-label="props.cols[4].label"><span>{{ props.row.date }}</span>
    <span class="ts-sub">{{ props.row.time }}</span></td>
  <td :data-label="props.cols[5].label" class="ts-cell-status">
    <span class="ts-status-line">
      <span>
        <span :class="'ts-pill ts-pill-' + props.row.pill">{{ props.row.status }}</span>
        <span v-if="props.row.note" class="ts-sub ts-why" :title="props.row.note">{{ props.row.note }}</span>
      </span>
      <button type="button" class="ts-more" :aria-label="props.row.says.actions" aria-haspopup="menu">
        <i class="ts-icon ts-i-more"></i>
        <q-menu auto-close class="ts-menu" anchor="bottom right" self="top right">
          <q-item role="menuitem" clickable tag="a" :href="props.row.url" class="ts-menu-item">
            <i class="ts-icon ts-i-open"></i><span>{{ props.row.says.open }}</span></q-item>
          <q-item role="menuitem" clickable tag="a" :href="props.row.clone_url" class="ts-menu-item">
            <i class="ts-icon ts-i-clone"></i><span>{{ props.row.says.clone }}</span></q-item>
          <q-item role="menuitem" clickable class="ts-menu-item"
                  @click="$parent.$emit('pin', [props.row.id, !props.row.pinned])">
            <i class="ts-icon ts-i-pin"></i><span>{{ props.row.says.pin }}</span></q-item>
          <q-item v-if="props.row.output_url" role="menuitem" clickable tag="a" :href="props.row.output_url" download
                  class="ts-menu-item"><i class="ts-icon ts-i-download"></i>
            <span>{{ props.row.says.download }}</span></q-item>
          <q-item v-for="item in props.row.queue" :key="item.ask" role="menuitem" clickable class="ts-menu-item"
                  @click="$parent.$emit('ask_queue', [item.ask, props.row.id])">
            <i :class="'ts-icon ts-i-' + item.icon"></i><span>{{ item.text }}</span></q-item>
          <q-item role="menuitem" v-for="act in props.row.acts" :key="act.name" clickable class="ts-menu-item"
                  @click="$parent.$emit('act', [act.name, props.row.id])">
            <i :class="'ts-icon ts-i-' + act.icon"></i><span>{{ act.label }}</span></q-item>
        </q-menu>
      </button>
    </span>
  </td>
</tr>
"""


class JobTable:
    """`reasons` says for each waiting job what it waits for; `pinned` are ids."""

    def __init__(
        self,
        jobs: Sequence[Job],
        reasons: Mapping[str, str],
        pinned: Collection[str],
        *,
        on_action: Callable[[Action, str], Any],
        on_queue: Callable[[str, str], Any],
        on_pin: Callable[[str, bool], Any],
        on_select: Callable[[list[str]], None],
    ) -> None:
        columns = [{"name": name, "label": say(name), "field": "id", "align": "left"} for name in COLUMNS]
        columns[0]["all"] = say("Choose all jobs on this page")
        rows = _rows(jobs, reasons, pinned)
        self._table = ui.table(columns=columns, rows=rows, row_key="id", selection="multiple").classes("ts-table")
        self._table.props("flat separator=none hide-no-data hide-selected-banner")
        self._table.add_slot("header", HEADER)
        self._table.add_slot("body", ROW)
        self._table.on("act", lambda event: on_action(Action(event.args[0]), str(event.args[1])))
        self._table.on("ask_queue", lambda event: on_queue(str(event.args[0]), str(event.args[1])))
        self._table.on("pin", lambda event: on_pin(str(event.args[0]), bool(event.args[1])))
        self._table.on_select(lambda: on_select(self.selected))

    @property
    def selected(self) -> list[str]:
        """The ids, in the order in which they were chosen; those of other pages too."""
        return [str(row["id"]) for row in self._table.selected]

    def choose(self, ids: Collection[str]) -> None:
        """Of what is chosen, keep these only."""
        self._table.selected = [row for row in self._table.selected if row["id"] in ids]

    def show(self, jobs: Sequence[Job], reasons: Mapping[str, str], pinned: Collection[str]) -> None:
        """Sends the rows only where something in them has changed."""
        self._table.visible = bool(jobs)
        rows = _rows(jobs, reasons, pinned)
        if rows != self._table.rows:
            self._table.rows = rows


def _rows(jobs: Sequence[Job], reasons: Mapping[str, str], pinned: Collection[str]) -> list[dict[str, Any]]:
    return [_row(job, job.health or reasons.get(job.id, ""), is_pinned=job.id in pinned) for job in jobs]


def _row(job: Job, note: str, *, is_pinned: bool) -> dict[str, Any]:
    pill = PILLS[job.status]
    return {
        "id": job.id,
        "url": routes.job(job.id, job.objective),
        "clone_url": routes.wizard(objective=job.objective, clone=job.id),
        "output_url": routes.job_output(job.id) if job.status is Status.COMPLETED else "",
        "pinned": is_pinned,
        "title": job.title,
        "model": job.model_name,
        "model_id": job.model_id,
        "dataset": job.dataset_name,
        "dataset_id": job.dataset_id,
        "by": job.created_by_email,
        "date": short_date(job.created_at),
        "time": time_of_day(job.created_at),
        "status": say(pill.label),
        "pill": pill.kind,
        "note": say(note),
        "says": _words(job, is_pinned=is_pinned),
        "queue": [{"ask": entry.ask, "text": say(entry.text), "icon": entry.icon} for entry in queue_entries(job)],
        "acts": [{"name": a.value, "label": say(ACTIONS[a][0]), "icon": ACTIONS[a][1]} for a in offered(job)],
    }


def _words(job: Job, *, is_pinned: bool) -> dict[str, str]:
    return {
        "choose": say("Choose {title}", title=job.title),
        "pinned": say("Pinned:"),
        "copy_job": say("Copy job id {id}", id=job.id),
        "copy_model": say("Copy model id {id}", id=job.model_id),
        "copy_dataset": say("Copy dataset id {id}", id=job.dataset_id),
        "actions": say("Actions for {title}", title=job.title),
        "open": say("Open"),
        "clone": say("Clone"),
        "pin": say("Unpin" if is_pinned else "Pin"),
        "download": say("Download output"),
    }
