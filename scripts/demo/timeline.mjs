// Events of all processes on one clock, shown as they come. Processes report at their own pace, so each event is held back a
// little and printed in the order of its time.
import { now } from '../lib/remote.mjs';

const kHoldBack = 120;

export class Timeline {
  /** All events: { at, who, text }, times in milliseconds since the beginning. */
  events = [];
  #beganAt = now();
  #printed = 0;
  #width;
  #timer = setInterval(() => this.#print(this.since(now()) - kHoldBack), kHoldBack / 2);

  constructor(names) {
    this.#width = Math.max(...names.map((name) => name.length));
  }

  since(at) {
    return at - this.#beganAt;
  }

  add(who, { at = now(), text }) {
    const event = { at: this.since(at), who, text };
    let index = this.events.length;
    while (index > this.#printed && this.events[index - 1].at > event.at) index--;
    this.events.splice(index, 0, event);
  }

  close() {
    clearInterval(this.#timer);
    this.#print(Infinity);
    this.events.sort((a, b) => a.at - b.at);
  }

  #print(until) {
    for (; this.#printed < this.events.length && this.events[this.#printed].at <= until; this.#printed++) {
      const { at, who, text } = this.events[this.#printed];
      console.log(`${at.toFixed(0).padStart(7)} ms  ${who.padEnd(this.#width)}  ${text}`);
    }
  }
}
