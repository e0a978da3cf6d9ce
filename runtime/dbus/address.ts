// Addresses of D-Bus servers (D-Bus specification, "Server Addresses").

/**
 * The unix sockets that an address list such as `unix:path=/run/dbus/system_bus_socket,guid=…`
 * names, in its order; an abstract name begins with NUL. Other transports are left out.
 */
export function socketsIn(addresses: string): string[] {
  return addresses.split(";").flatMap((address) => {
    const [transport, options = ""] = address.split(/:(.*)/s);
    if (transport !== "unix") return [];
    const values = new Map(options.split(",").map((option) => keyAndValue(option)));
    const path = values.get("path");
    const abstract = values.get("abstract");
    if (path !== undefined) return [path];
    return abstract === undefined ? [] : [`\0${abstract}`];
  });
}

/** The address of a socket's path. */
export function addressOf(path: string): string {
  const escaped = [...Buffer.from(path)].map((byte) => {
    const letter = String.fromCharCode(byte);
    return /[-0-9A-Za-z_/.\\*]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, "0")}`;
  });
  return `unix:path=${escaped.join("")}`;
}

function keyAndValue(option: string): [string, string] {
  const [key = "", value = ""] = option.split(/=(.*)/s);
  const bytes = Buffer.from(value, "utf8").toString("latin1");
  const plain = bytes.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return [key, Buffer.from(plain, "latin1").toString("utf8")];
}
