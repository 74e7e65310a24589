/** How headers are written: fields by their place, in the byte order and width that their value says. */

type Field =
  | string
  | Uint8Array
  | { be16: number }
  | { be32: number }
  | { be64: bigint }
  | { le16: number }
  | { le32: number }
  | { le64: bigint }
  | { u8: number };

/** `bytes` with the fields put in, by their places. */
export function fill(bytes: Buffer, fields: Readonly<Record<number, Field>>): Buffer {
  for (const [place, field] of Object.entries(fields)) {
    const at = Number(place);
    if (typeof field === 'string') bytes.write(field, at, 'latin1');
    else if (field instanceof Uint8Array) bytes.set(field, at);
    else if ('be16' in field) bytes.writeUInt16BE(field.be16, at);
    else if ('be32' in field) bytes.writeUInt32BE(field.be32, at);
    else if ('be64' in field) bytes.writeBigUInt64BE(field.be64, at);
    else if ('le16' in field) bytes.writeUInt16LE(field.le16, at);
    else if ('le32' in field) bytes.writeUInt32LE(field.le32, at);
    else if ('le64' in field) bytes.writeBigUInt64LE(field.le64, at);
    else bytes.writeUInt8(field.u8, at);
  }
  return bytes;
}

export type Fields = Parameters<typeof fill>[1];
export const KiB = 1024;
export const MiB = 1024 * KiB;
