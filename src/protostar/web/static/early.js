// Runs before the page is there: what is typed, pressed or sent while the modules are still on their way waits for them, and is not lost.
// Where one of them does not arrive, the page says so: a browser does not ask for it again.

{
  const typed = ({ target }) => [target, () => ["input", "change"].forEach((type) => target.dispatchEvent(new Event(type, { bubbles: true })))];
  // Of each kind of event: whom it concerns and how to do it again; nothing where no module is needed.
  const KINDS = {
    input: typed,
    change: typed,
    keydown({ target, key, shiftKey, isComposing }) {
      return target.enterKeyHint === "send" && key === "Enter" && !shiftKey && !isComposing && [target.form, () => target.form.requestSubmit()];
    },
    click({ target }) {
      const button = target.closest("button[type=button]:not([popovertarget])");
      return button && [button, () => button.click()];
    },
    submit({ target: form, submitter }) {
      return !form.hasAttribute("action") && [form, () => form.requestSubmit(submitter)]; // what has an action goes there by itself
    },
  };
  const waiting = new Map(); // each element once, however often and by whatever it is pressed
  const listen = new AbortController();
  for (const [kind, of] of Object.entries(KINDS)) {
    addEventListener(kind, (event) => {
      const kept = of(event);
      if (!kept) return;
      event.preventDefault();
      event.stopImmediatePropagation(); // a module that is there already must not do it a first time
      waiting.set(...kept);
    }, { capture: true, signal: listen.signal });
  }

  let incomplete = false;
  const tell = () => { if (document.readyState !== "loading") document.getElementById("incomplete").hidden = !incomplete; };
  addEventListener("error", ({ target }) => {
    incomplete ||= target instanceof HTMLScriptElement || target instanceof HTMLLinkElement;
    tell();
  }, true);

  // Modules have run by then; htmx begins at this very event.
  addEventListener("DOMContentLoaded", () => setTimeout(() => {
    tell();
    listen.abort();
    waiting.forEach((again) => again());
  }));
}
