// Server-sent events out of a fetch: EventSource can send neither a body nor our headers.

export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value.replaceAll("\r\n", "\n");
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = { id: null, name: "message", data: "" };
        for (const line of block.split("\n")) {
          const [, field, text] = /^(\w*):? ?(.*)$/s.exec(line);
          if (field === "id") event.id = text;
          else if (field === "event") event.name = text;
          else if (field === "data") event.data += text;
        }
        if (event.data) yield { ...event, data: JSON.parse(event.data) };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
