// what a screen reader says by itself: one polite line, the newest result.

export class Announcer {
  text = $state("");

  say(text: string): void {
    // the same sentence twice would not be spoken again
    this.text = text === this.text ? `${text}\u00a0` : text;
  }
}
