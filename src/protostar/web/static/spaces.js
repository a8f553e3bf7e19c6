// Deleted spaces, wherever they are listed: each can be restored for a while.

import { api } from "./api.js";
import { complain, toastLater } from "./toast.js";
import { t } from "./words.js";

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-restores]");
  if (!button) return;
  const { restores, name } = button.dataset;
  button.disabled = true;
  try {
    await api("POST", `/v1/spaces/${restores}/restore`, { space: false });
    toastLater(t("The space “{name}” is restored.", { name }));
    location.reload();
  } catch (error) {
    button.disabled = false;
    complain(error);
  }
});
