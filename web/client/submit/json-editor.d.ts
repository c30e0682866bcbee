// This file is where it is declared how the form library is called, as far as it is.

declare module "@json-editor/json-editor" {
  export class JSONEditor<T> {
    constructor(place: HTMLElement, options: Readonly<Record<string, unknown>>);
    on(event: "ready" | "change", heard: () => void): void;
    getValue(): T;
    setValue(value: T): void;
  }
}
