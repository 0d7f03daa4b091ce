// values over time, by name: a ring of fixed length, so that a day of looking takes no more memory than an hour.
//
// it lives in the page and not in Rust: the charts are drawn from it, and sending an hour of samples again at
// every return to the page would cost more than keeping the numbers where they are shown.

/** An hour, once a second. */
export const HOUR_OF_SECONDS = 3600;

/** Devices that come and go must not add up for ever; nobody can look at more lines than this. */
const MOST_COLUMNS = 512;

export interface View {
  /** Milliseconds since the Unix epoch, rising. */
  times: number[];
  /** The values of that name beside the times; `null` where nothing is known. */
  column(name: string): (number | null)[];
}

interface Column {
  values: Float64Array;
  /** Which push wrote it last. */
  written: number;
}

export class History {
  readonly #capacity: number;
  readonly #times: Float64Array;
  readonly #columns = new Map<string, Column>();
  #pushes = 0;

  constructor(capacity = HOUR_OF_SECONDS) {
    this.#capacity = capacity;
    this.#times = new Float64Array(capacity);
  }

  get length(): number {
    return Math.min(this.#pushes, this.#capacity);
  }

  get columns(): number {
    return this.#columns.size;
  }

  /** The newest time; none before the first push. */
  get last(): number | null {
    return this.#pushes === 0 ? null : (this.#times[(this.#pushes - 1) % this.#capacity] ?? null);
  }

  /** Adds a row. One that is not newer than the last, because a clock was set back, begins a new history. */
  push(at: number, values: Iterable<readonly [string, number | null]>): void {
    if (this.last !== null && at <= this.last) this.clear();
    const place = this.#pushes % this.#capacity;
    this.#times[place] = at;
    for (const column of this.#columns.values()) column.values[place] = NaN;
    for (const [name, value] of values) {
      if (value === null) continue;
      const column = this.#columns.get(name) ?? this.#add(name);
      if (!column) continue;
      column.values[place] = value;
      column.written = this.#pushes;
    }
    this.#pushes += 1;
    // what vanished is forgotten once all its values have left the ring; looked for when the ring begins anew
    if (place === this.#capacity - 1) {
      for (const [name, { written }] of this.#columns) {
        if (this.#pushes - written > this.#capacity) this.#columns.delete(name);
      }
    }
  }

  clear(): void {
    this.#pushes = 0;
    this.#columns.clear();
  }

  /** What was pushed at or after this time. */
  view(from: number): View {
    const length = this.length;
    const first = this.#pushes - length;
    let skipped = 0;
    while (skipped < length && (this.#times[(first + skipped) % this.#capacity] ?? 0) < from) skipped += 1;
    const places = Array.from(
      { length: length - skipped },
      (_, row) => (first + skipped + row) % this.#capacity,
    );
    return {
      times: places.map((place) => this.#times[place] ?? 0),
      column: (name) => {
        const values = this.#columns.get(name)?.values;
        return places.map((place) => {
          const value = values?.[place];
          return value === undefined || Number.isNaN(value) ? null : value;
        });
      },
    };
  }

  #add(name: string): Column | null {
    if (this.#columns.size >= MOST_COLUMNS) return null;
    const column = { values: new Float64Array(this.#capacity).fill(NaN), written: this.#pushes };
    this.#columns.set(name, column);
    return column;
  }
}
