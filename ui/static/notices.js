// Notices in the corner of a page: which job has ended, how, and the way to it. A failure stays until it is closed.
// Every text reaches the page through {{ }}, so a job's name stays text.

const SHOWN_MS = 12000;
const MOST = 4;

export default {
  props: { words: Object },
  template: `
    <div class="ts-news-corner" role="status" aria-live="polite">
      <div v-for="notice in notices" :key="notice.key" class="ts-news" :data-notice="notice.id"
           @mouseenter="hold(notice)" @mouseleave="release(notice)" @focusin="hold(notice)" @focusout="release(notice)">
        <span :class="'ts-pill ts-pill-' + notice.tone">{{ notice.label }}</span>
        <button type="button" class="ts-news-close" :aria-label="closeLabel(notice)"
                @click="close(notice)">×</button>
        <p class="ts-news-text"><strong>{{ notice.title }}</strong> {{ notice.text }}</p>
        <a class="ts-link" :href="notice.url">{{ words.open }}</a>
      </div>
    </div>`,
  data: () => ({ notices: [], made: 0 }),
  methods: {
    closeLabel({ title }) {
      return window.tsFill(this.words.close, { title });
    },
    tell(job) {
      this.tellBrowser(job);
      if (location.pathname === job.url) return; // that page shows it itself
      const notice = { ...job, key: ++this.made };
      this.notices = [...this.notices.filter(({ id }) => id !== job.id), notice].slice(-MOST);
      this.release(notice);
    },
    tellBrowser(job) {
      if (!window.tsNotify.isOn() || (document.visibilityState === "visible" && document.hasFocus())) return;
      // The tag makes one of what several open pages say.
      const shown = new Notification(`${job.label}: ${job.title}`, { body: job.text, tag: job.id });
      shown.onclick = () => {
        window.focus();
        location.assign(job.url);
      };
    },
    hold(notice) {
      clearTimeout(notice.timer);
    },
    release(notice) {
      clearTimeout(notice.timer);
      if (notice.tone !== "bad") notice.timer = setTimeout(() => this.close(notice), SHOWN_MS);
    },
    close(notice) {
      clearTimeout(notice.timer);
      this.notices = this.notices.filter(({ key }) => key !== notice.key);
    },
  },
};
