// The drop zone: sends a file in chunks to the upload route, goes on after a cut, shows rate and time left.
// Every text reaches the page through {{ }}, so a file's name stays text.

const CHUNK_BYTES = 4 * 1024 * 1024;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
const GIVE_UP_AFTER_MS = 15 * 60 * 1000;
const REMEMBERED = "tunesmith-upload ";

export default {
  props: { title: String, hint: String, accept: String, label: String, limit: Number, open: Boolean, isExport: Boolean, words: Object },
  emits: ["uploaded", "began"],
  template: `
    <div class="ts-zone" :class="{ 'ts-zone-over': depth > 0 }" @dragenter.prevent="depth++"
         @dragleave="depth--" @dragover.prevent @drop.prevent.stop="drop">
      <input ref="input" type="file" class="ts-zone-input" tabindex="-1" aria-hidden="true"
             :accept="accept" @change="pick">
      <button v-if="state === 'idle'" ref="button" type="button" class="ts-drop" :aria-label="label || null"
              @click="$refs.input.click()">
        <i class="ts-icon ts-i-upload" aria-hidden="true"></i>
        <span class="ts-drop-title">{{ title }}</span>
        <span class="ts-drop-text">{{ hint }}</span>
        <span v-for="left in unfinished" :key="left.key" class="ts-drop-text ts-strong">
          {{ say("unfinished", left) }}</span>
      </button>
      <div v-else class="ts-drop ts-drop-busy">
        <div class="ts-zone-line">
          <span class="ts-zone-name" :title="name">{{ name }}</span>
          <button v-if="state === 'stopped'" type="button" class="ts-link ts-plain" @click="again">{{ words.again }}</button>
          <button v-if="state !== 'done'" type="button" class="ts-link ts-plain" @click="cancel">{{ words.cancel }}</button>
        </div>
        <progress class="ts-progress" :max="size" :value="sent" :aria-label="say('upload', { name })"></progress>
        <div class="ts-zone-line ts-zone-numbers"><span>{{ numbers }}</span><span>{{ speed }}</span></div>
        <span class="ts-drop-text" role="status">{{ sentence }}</span>
      </div>
      <p v-if="problem" class="ts-error" role="alert">{{ problem }}</p>
    </div>`,
  data: () => ({
    state: "idle", depth: 0, name: "", size: 0, sent: 0, rate: 0, sentence: "", problem: "", unfinished: [],
  }),
  computed: {
    numbers() {
      const percent = this.size ? Math.floor((100 * this.sent) / this.size) : 0;
      const sizes = { sent: bytes(this.sent), size: bytes(this.size) };
      return `${percent} % · ${this.say("share", sizes)}`;
    },
    speed() {
      if (this.state !== "sending" || !this.rate) return "";
      const time = duration((this.size - this.sent) / this.rate);
      return `${bytes(this.rate)}/s · ${this.say("left", { time })}`;
    },
  },
  mounted() {
    this.unfinished = remembered();
    // A file that misses the zone would replace the page.
    this.stray = (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault();
    this.online = () => this.wake?.();
    document.addEventListener("dragover", this.stray);
    document.addEventListener("drop", this.stray);
    window.addEventListener("online", this.online);
  },
  unmounted() {
    this.turn = null;
    this.request?.abort();
    document.removeEventListener("dragover", this.stray);
    document.removeEventListener("drop", this.stray);
    window.removeEventListener("online", this.online);
  },
  methods: {
    say(key, values) {
      return window.tsFill(this.words[key], values);
    },
    pick(event) {
      const [file] = event.target.files;
      event.target.value = "";
      if (file) this.begin(file);
    },
    drop(event) {
      this.depth = 0;
      const files = [...event.dataTransfer.files];
      if (this.state === "sending") return;
      if (files.length === 1) this.begin(files[0]);
      else if (files.length) this.problem = this.say("several", { count: files.length });
    },
    begin(file) {
      this.file = file;
      this.id = "";
      Object.assign(this, { name: file.name, size: file.size, sent: 0, rate: 0, problem: "" });
      if (!file.size) this.problem = this.say("empty", { name: file.name });
      else if (file.size > this.limit)
        this.problem = this.say("large", { name: file.name, size: bytes(file.size), limit: bytes(this.limit) });
      else this.again();
    },
    async again() {
      const turn = (this.turn = {});
      Object.assign(this, { state: "sending", problem: "", sentence: this.words.sending });
      this.$emit("began");
      let failures = 0;
      let since = Date.now();
      while (this.turn === turn) {
        const before = this.sent;
        try {
          await this.send(turn);
          return;
        } catch (error) {
          if (this.turn !== turn) return;
          if (error.status) return this.stop(error.sentence || this.say("answered", { status: error.status }));
          if (this.sent > before) [failures, since] = [0, Date.now()];
          if (Date.now() - since > GIVE_UP_AFTER_MS)
            return this.pause(this.words.unreachable);
          await this.rest(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
        }
      }
    },
    async send(turn) {
      const key = REMEMBERED + [this.file.name, this.file.size, this.file.lastModified].join("|");
      await this.locate(key);
      while (this.turn === turn && this.sent < this.size) {
        const chunk = this.file.slice(this.sent, this.sent + CHUNK_BYTES);
        this.sent = (await this.put(chunk, this.sent)).offset;
        this.sentence = this.words.sending;
        remember(key, { id: this.id, name: this.name, percent: Math.floor((100 * this.sent) / this.size) });
      }
      if (this.turn !== turn) return;
      await ask("POST", `/uploads/${this.id}/finish`);
      forget(key);
      Object.assign(this, { state: "done", sentence: this.words.arrived });
      this.$emit("uploaded", { id: this.id });
    },
    /* Where to go on: an upload of the same file that was begun in this browser, else a new one. */
    async locate(key) {
      const known = this.id || recall(key)?.id;
      if (known) {
        try {
          const there = await ask("GET", `/uploads/${known}`);
          [this.id, this.sent] = [there.id, there.offset];
          return;
        } catch (error) {
          if (!error.status) throw error;
          forget(key);
        }
      }
      const asked = { name: this.file.name, size: this.file.size, is_export: this.isExport };
      const made = await ask("POST", "/uploads", JSON.stringify(asked));
      [this.id, this.sent] = [made.id, 0];
      remember(key, { id: made.id, name: this.name, percent: 0 });
    },
    async put(chunk, offset) {
      const sum = await checksum(chunk);
      let [at, last] = [performance.now(), 0];
      return ask("PUT", `/uploads/${this.id}?offset=${offset}`, chunk, sum ? { "X-Chunk-SHA256": sum } : {}, (request) => {
        this.request = request;
        request.upload.onprogress = ({ loaded }) => {
          const now = performance.now();
          this.sent = offset + Math.min(loaded, chunk.size);
          if (now - at < 300) return;
          const rate = ((loaded - last) * 1000) / (now - at);
          this.rate = this.rate ? 0.7 * this.rate + 0.3 * rate : rate;
          [at, last] = [now, loaded];
        };
      });
    },
    async rest(ms) {
      this.rate = 0;
      this.sentence = this.words.cut;
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, ms);
      });
      this.wake = null;
    },
    stop(sentence) {
      this.turn = null;
      Object.assign(this, { state: "idle", problem: sentence, unfinished: remembered() });
    },
    pause(sentence) {
      this.turn = null;
      Object.assign(this, { state: "stopped", sentence });
    },
    cancel() {
      this.turn = null;
      this.request?.abort();
      this.wake?.();
      if (this.id) ask("DELETE", `/uploads/${this.id}`).catch(() => {});
      forget(REMEMBERED + [this.file.name, this.file.size, this.file.lastModified].join("|"));
      this.reset();
    },
    /* Called by the page once it is done with the file. */
    reset() {
      Object.assign(this, { state: "idle", sentence: "", problem: "", sent: 0, rate: 0, unfinished: remembered() });
      this.$nextTick(() => this.$refs.button?.focus({ preventScroll: true }));
    },
  },
};

/* Rejects with a `status`, and a `sentence` if there is one, where asking again would not help. */
function ask(method, url, body = null, headers = {}, started = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    if (typeof body === "string") headers = { ...headers, "Content-Type": "application/json" };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.timeout = 120000;
    request.onerror = request.ontimeout = request.onabort = () => reject(new Error("cut"));
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (request.status < 300) return resolve(answer);
      const error = new Error(`${request.status}`);
      const passing = request.status === 409 || request.status >= 502 || answer.error?.includes("arrived damaged");
      if (!passing || request.status === 507) Object.assign(error, { status: request.status, sentence: answer.error });
      reject(error);
    };
    started(request);
    request.send(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return {};
  }
}

/* Only on https and localhost; elsewhere TCP's own checksums have to do. */
async function checksum(chunk) {
  if (!window.isSecureContext) return "";
  const digest = await crypto.subtle.digest("SHA-256", await chunk.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Private windows may refuse the storage; then an upload ends with its page.
function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify({ ...value, at: Date.now() }));
  } catch {
    return;
  }
}

function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    return;
  }
}

function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function remembered() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(REMEMBERED));
    const found = keys.map((key) => ({ key, ...recall(key) }));
    const old = found.filter((left) => !(Date.now() - left.at < 24 * 3600 * 1000));
    old.forEach((left) => forget(left.key));
    return found.filter((left) => !old.includes(left)).slice(0, 3);
  } catch {
    return [];
  }
}

function bytes(count) {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  while (count >= 1000 && unit < 3) [count, unit] = [count / 1024, unit + 1];
  return `${count < 10 && unit ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}
