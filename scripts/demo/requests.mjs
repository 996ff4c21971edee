// Numbered requests at a steady beat, and what became of each.
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../lib/remote.mjs';

const kAnswerDeadline = 5_000;
const kErrorsKept = 5;

export class Requests {
  #interval;
  #ask;
  #beganAt = 0;
  #timer;
  #open = 0;
  #sentAt = [];
  #answeredAt = [];
  /** How often each number was answered. */
  #answers = [];
  #errors = [];

  /** `ask(number)` sends a request and resolves with the number in its answer. */
  constructor(interval, ask) {
    this.#interval = interval;
    this.#ask = ask;
  }

  start() {
    this.#beganAt = now();
    this.#timer = setInterval(() => this.#sendDue(), this.#interval / 2);
    this.#sendDue();
  }

  /** Sends no more, waits for what is open, and tells: times in milliseconds, NaN where no answer came. */
  async finish() {
    clearInterval(this.#timer);
    const giveUpAt = now() + kAnswerDeadline;
    while (this.#open > 0 && now() < giveUpAt) await delay(5);
    return {
      sentAt: this.#sentAt,
      answeredAt: this.#answeredAt,
      lost: this.#answers.filter((count) => count === 0).length,
      duplicated: this.#answers.filter((count) => count > 1).length,
      errors: this.#errors,
    };
  }

  /** The beat is kept by the clock: what a late timer missed is sent at once. */
  #sendDue() {
    const due = Math.floor((now() - this.#beganAt) / this.#interval) + 1;
    while (this.#sentAt.length < due) this.#send();
  }

  async #send() {
    const number = this.#sentAt.length;
    this.#sentAt.push(now());
    this.#answeredAt.push(NaN);
    this.#answers.push(0);
    this.#open++;
    try {
      const answered = await this.#ask(number);
      if (!(answered in this.#answers)) throw new Error(`request ${number} was answered with ${answered}`);
      this.#answers[answered]++;
      this.#answeredAt[answered] = now();
    } catch (error) {
      if (this.#errors.length < kErrorsKept) this.#errors.push(`request ${number}: ${error.message}`);
    } finally {
      this.#open--;
    }
  }
}
