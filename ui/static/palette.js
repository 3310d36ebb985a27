// The command palette: a native dialog with a combobox. The focus stays in the field; the list follows by
// aria-activedescendant. Every text reaches the page through {{ }}, so a job's name stays text.

const DEBOUNCE_MS = 120;

export default {
  props: { searchUrl: String, pages: Array, words: Object },
  template: `
    <div class="ts-find">
      <button type="button" class="ts-find-button" aria-haspopup="dialog" aria-keyshortcuts="Control+K Meta+K"
              :aria-label="words.open" :title="words.open" @click="open">
        <i class="ts-icon ts-i-search" aria-hidden="true"></i><span class="ts-find-word">{{ words.search }}</span>
        <kbd class="ts-key">{{ shortcut }}</kbd>
      </button>
      <dialog ref="dialog" class="ts-palette" :aria-label="words.open" @click.self="close" @close="closed">
        <div class="ts-palette-field">
          <i class="ts-icon ts-i-search" aria-hidden="true"></i>
          <input ref="input" v-model="letters" type="text" role="combobox" aria-expanded="true" aria-autocomplete="list"
                 aria-controls="ts-palette-list" :aria-activedescendant="current ? 'ts-palette-' + at : null"
                 :aria-label="words.hint" maxlength="200" :placeholder="words.hint" autocomplete="off" spellcheck="false"
                 @keydown="key">
          <kbd class="ts-key">Esc</kbd>
        </div>
        <div id="ts-palette-list" ref="list" class="ts-palette-list" role="listbox" :aria-label="words.results">
          <div v-for="group in groups" :key="group.title" role="group" :aria-label="group.title">
            <div class="ts-palette-group" aria-hidden="true">{{ group.title }}</div>
            <a v-for="hit in group.hits" :key="hit.at" :id="'ts-palette-' + hit.at" role="option" tabindex="-1"
               class="ts-palette-hit" :href="hit.href" :aria-selected="hit.at === at" @mousemove="at = hit.at">
              <i :class="'ts-icon ts-i-' + hit.icon" aria-hidden="true"></i>
              <span class="ts-palette-title">{{ hit.title }}</span>
              <span class="ts-palette-detail">{{ hit.detail }}</span>
              <span v-if="hit.label" :class="'ts-pill ts-pill-' + hit.tone">{{ hit.label }}</span>
            </a>
          </div>
        </div>
        <p class="ts-palette-said" role="status">{{ said }}</p>
      </dialog>
    </div>`,
  data: () => ({ letters: "", found: [], answered: "", at: 0, problem: "", isBusy: false }),
  computed: {
    shortcut: () => (/Mac|iPhone|iPad/.test(navigator.platform) ? "⌘K" : "Ctrl K"),
    hits() {
      const wanted = this.letters.toLowerCase().split(/\s+/).filter(Boolean);
      const isMeant = ({ title, detail }) => wanted.every((word) => `${title} ${detail}`.toLowerCase().includes(word));
      // Until the studio has answered these letters, of what it found for others only that which they fit, too.
      const found = this.answered === this.letters ? this.found : this.found.filter(isMeant);
      // Pages come first: they are there at once, so what Enter would take does not move when the answer comes.
      return [...this.pages.filter(isMeant), ...found].map((hit, at) => ({ ...hit, at }));
    },
    groups() {
      const groups = new Map();
      for (const hit of this.hits) groups.set(hit.group, [...(groups.get(hit.group) ?? []), hit]);
      return [...groups].map(([title, hits]) => ({ title, hits }));
    },
    current() {
      return this.hits[this.at];
    },
    said() {
      if (this.problem) return this.problem;
      if (this.hits.length || this.isBusy) return "";
      return window.tsFill(this.words.nothing, { letters: this.letters.trim() });
    },
  },
  watch: {
    letters() {
      this.at = 0;
      clearTimeout(this.timer);
      this.timer = setTimeout(this.search, DEBOUNCE_MS);
    },
  },
  mounted() {
    this.onKey = (event) => {
      if (event.key?.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      this.$refs.dialog.open ? this.close() : this.open();
    };
    document.addEventListener("keydown", this.onKey);
  },
  unmounted() {
    document.removeEventListener("keydown", this.onKey);
    clearTimeout(this.timer);
    this.request?.abort();
  },
  methods: {
    open() {
      if (this.$refs.dialog.open) return;
      [this.letters, this.at, this.problem] = ["", 0, ""];
      this.$refs.dialog.showModal();
      this.$refs.input.focus();
      this.search();
    },
    close() {
      this.$refs.dialog.close();
    },
    closed() {
      clearTimeout(this.timer);
      this.request?.abort();
    },
    async search() {
      this.request?.abort();
      const request = (this.request = new AbortController());
      this.isBusy = true;
      const letters = this.letters;
      try {
        const answer = await fetch(`${this.searchUrl}?${new URLSearchParams({ q: letters })}`, { signal: request.signal });
        if (!answer.ok) throw new Error(answer.status);
        [this.found, this.answered, this.problem] = [await answer.json(), letters, ""];
      } catch (error) {
        if (error.name === "AbortError") return;
        [this.found, this.problem] = [[], this.words.unreachable];
      }
      this.isBusy = false;
    },
    key(event) {
      const last = this.hits.length - 1;
      const moves = { ArrowDown: this.at >= last ? 0 : this.at + 1, ArrowUp: this.at <= 0 ? last : this.at - 1 };
      if (event.key in moves) {
        event.preventDefault();
        this.at = Math.max(moves[event.key], 0);
        this.$nextTick(() => this.$refs.list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }));
      } else if (event.key === "Enter" && this.current) {
        event.preventDefault();
        if (event.ctrlKey || event.metaKey) window.open(this.current.href, "_blank", "noopener");
        else window.location.assign(this.current.href);
      }
    },
  },
};
