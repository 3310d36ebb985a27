// The switch for notifications by the browser. It belongs to this browser, as the permission does.

const SENTENCES = {
  on: "On: when a job ends while you look at something else, this browser says so.",
  off: "Off. Switching it on asks this browser for its permission.",
  denied: "This browser was told to refuse them. Allow notifications for this address in its site settings, then reload.",
  insecure: "Browsers allow them on https and on localhost (127.0.0.1) only; this page was opened by another address.",
  missing: "This browser has no notifications.",
};

export default {
  template: `
    <div class="ts-notify">
      <button type="button" role="switch" class="ts-switch" :aria-checked="state === 'on'" :disabled="isImpossible"
              aria-labelledby="ts-notify-label" aria-describedby="ts-notify-said" @click="turn">
        <span class="ts-switch-knob"></span></button>
      <div class="ts-notify-text">
        <span id="ts-notify-label" class="ts-label">Browser notifications when a job ends</span>
        <span id="ts-notify-said" class="ts-note" role="status">{{ sentence }}</span>
      </div>
    </div>`,
  data: () => ({ state: "off" }),
  computed: {
    sentence() {
      return SENTENCES[this.state];
    },
    isImpossible() {
      return !["on", "off"].includes(this.state);
    },
  },
  mounted() {
    this.look();
  },
  methods: {
    look() {
      if (!window.isSecureContext) this.state = "insecure";
      else if (!("Notification" in window)) this.state = "missing";
      else if (Notification.permission === "denied") this.state = "denied";
      else this.state = window.tsNotify.isOn() ? "on" : "off";
    },
    async turn() {
      const isWanted = this.state !== "on";
      if (isWanted && Notification.permission !== "granted") await Notification.requestPermission();
      window.tsNotify.set(isWanted && Notification.permission === "granted");
      this.look();
    },
  },
};
