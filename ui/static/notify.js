// The switch for notifications by the browser. It belongs to this browser, as the permission does.

export default {
  props: { words: Object },
  template: `
    <div class="ts-notify">
      <button type="button" role="switch" class="ts-switch" :aria-checked="state === 'on'" :disabled="isImpossible"
              aria-labelledby="ts-notify-label" aria-describedby="ts-notify-said" @click="turn">
        <span class="ts-switch-knob"></span></button>
      <div class="ts-notify-text">
        <span id="ts-notify-label" class="ts-label">{{ words.label }}</span>
        <span id="ts-notify-said" class="ts-note" role="status">{{ sentence }}</span>
      </div>
    </div>`,
  data: () => ({ state: "off" }),
  computed: {
    sentence() {
      return this.words[this.state];
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
