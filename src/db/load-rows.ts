/** Images and members as rows of COPY's text format (postgresql.org/docs/current/sql-copy.html, "Text Format"). */
import type { Image, ImageMember } from '../domain/image.ts';

/** An image as it is loaded: everything of it that is not bytes. */
export type LoadedImage = Omit<Image, 'copies' | 'revision' | 'failure' | 'inspection' | 'signature'> & {
  members: Omit<ImageMember, 'imageId'>[];
};

/** The order of the fields in `imageRow`. */
export const imageColumns = [
  'id',
  'name',
  'status',
  'visibility',
  'owner',
  'kind',
  'disk_format',
  'container_format',
  'size',
  'virtual_size',
  'min_disk',
  'min_ram',
  'checksum',
  'digests',
  'protected',
  'hidden',
  'tags',
  'properties',
  'created_at',
  'updated_at',
] as const;

/** The order of the fields in `memberRows`. */
export const memberColumns = ['image_id', 'project', 'status', 'created_at', 'updated_at'] as const;

/** One row, with its line end. Written out: this is what an import spends its time on besides JSON.parse. */
export function imageRow(image: LoadedImage): string {
  const { size, virtualSize, checksum, diskFormat, containerFormat } = image;
  return `${image.id}\t${field(image.name)}\t${image.status}\t${image.visibility}\t${field(image.owner)}\t${
    image.kind
  }\t${diskFormat ?? '\\N'}\t${containerFormat ?? '\\N'}\t${size ?? '\\N'}\t${virtualSize ?? '\\N'}\t${
    image.minDisk
  }\t${image.minRam}\t${checksum ?? '\\N'}\t${json(image.digests)}\t${image.protected ? 't' : 'f'}\t${
    image.hidden ? 't' : 'f'
  }\t${array(image.tags)}\t${json(image.properties)}\t${image.createdAt}\t${image.updatedAt}\n`;
}

/** A row for each member; nothing when there are none. */
export function memberRows({ id, members }: LoadedImage): string {
  let rows = '';
  for (const { project, status, createdAt, updatedAt } of members) {
    rows += `${id}\t${field(project)}\t${status}\t${createdAt}\t${updatedAt}\n`;
  }
  return rows;
}

const special = /[\\\t\n\r]/;
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** A text, or null. */
function field(text: string | null): string {
  if (text === null) return '\\N';
  return special.test(text) ? text.replace(/[\\\t\n\r]/g, (found) => escapes[found] ?? found) : text;
}

/** JSON has backslashes, and never a raw tab or line end. */
function json(value: object): string {
  const text = JSON.stringify(value);
  return text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
}

/** An array of texts, each in quotes, so that none is taken for NULL. */
function array(texts: readonly string[]): string {
  if (texts.length === 0) return '{}';
  const quoted = texts.map((text) => (/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text));
  return field(`{"${quoted.join('","')}"}`);
}
