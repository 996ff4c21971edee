/** In which order streams are sent: the terms of RFC 9218, as a hint to our own sending only. */
import { fields, integer, truth } from './validate.js';

export interface StreamPriority {
  /** 0 is sent first, 7 last. Default 3. */
  readonly urgency?: number;
  /**
   * Take turns with other incremental streams of the same urgency; false: be sent whole, before those that take turns.
   * Default true, as for streams without a priority.
   */
  readonly incremental?: boolean;
}

/** RFC 9218 §4.1. */
export const kDefaultUrgency = 3;
export const kUrgencies = 8;
const check = fields({ urgency: integer(0, kUrgencies - 1), incremental: truth });

export function checkPriority(priority: StreamPriority): void {
  check(priority, 'priority');
}
