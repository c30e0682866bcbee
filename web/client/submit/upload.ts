// This file is where a file goes up with a bar that moves; the form does the same without scripts.

export function uploads(form: HTMLFormElement): void {
  const bar = form.querySelector("progress");
  const told = form.querySelector<HTMLElement>("[data-part=uploading]");
  const name = form.elements.namedItem("name") as HTMLInputElement;
  const file = form.elements.namedItem("file") as HTMLInputElement;
  if (!bar || !told) return;
  file.addEventListener("change", () => {
    name.value ||= file.files?.[0]?.name.replace(/\.csv$/iu, "") ?? "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/problem+json");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = total ? loaded / total : 0;
      told.textContent = loaded < total ? `${Math.floor((100 * loaded) / total)} % is there` : "all is there; it is being read";
    });
    request.addEventListener("load", () => {
      if (request.status < 400) location.assign(request.responseURL);
      else told.textContent = said(request.responseText);
    });
    request.addEventListener("error", () => (told.textContent = "the connection broke: upload it again"));
    bar.hidden = false;
    request.send(new FormData(form));
  });
}

function said(text: string): string {
  try {
    return (JSON.parse(text) as { detail: string }).detail;
  } catch {
    return "the server did not take it";
  }
}
