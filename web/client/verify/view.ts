/** This file is where a verification is shown: a line for each step, green or red at its end. */

export class View {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  part(name: string): HTMLElement | null {
    return this.#root.querySelector<HTMLElement>(`[data-part="${name}"]`);
  }

  step(text: string, state = "valid"): void {
    const line = document.createElement("li");
    line.className = state;
    line.textContent = text;
    this.part("steps")?.append(line);
  }

  clear(): void {
    this.part("steps")?.replaceChildren();
    this.end("", "");
  }

  tell(text: string): void {
    const line = this.part("told");
    if (line) line.textContent = text;
  }

  end(text: string, state: string): void {
    const line = this.part("verdict");
    if (!line) return;
    line.textContent = text;
    line.className = `verdict ${state}`.trim();
    this.#root.dataset.verdict = state;
  }
}

export const spelledBytes = (bytes: number): string =>
  bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000)).toLocaleString("en")} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
