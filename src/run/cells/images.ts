/** The images of a cell. The bytes of an image show its media type. */
import { hash } from 'node:crypto';
import { RvbbitError } from '../../errors.ts';
import { IMAGE_MAX_BYTES, IMAGES_MAX_BYTES } from '../../limits.ts';
import type { ChatImage } from '../../model/chat.ts';
import type { Json, JsonObject } from '../../util/json.ts';

/** The first bytes of each media type, as Latin-1: https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern */
const SIGNS: readonly (readonly [RegExp, ChatImage['mediaType']])[] = [
  [/^\x89PNG\r\n\x1a\n/, 'image/png'],
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^RIFF....WEBP/s, 'image/webp'],
];

/**
 * Returns the images of the inputs that the cell names, without those that are NULL. Throws RVB_CELL for a value that is
 * not an image, and for images that are too large.
 */
export function imagesOf(
  { label, images: names = [] }: { readonly label: string; readonly images?: readonly string[] },
  input: JsonObject,
): readonly ChatImage[] {
  const images = names.flatMap((name) => {
    const value = input[name] ?? null;
    return value === null ? [] : [imageOf(`${label}: input.${name}`, value)];
  });
  const size = images.reduce((sum, image) => sum + image.size, 0);
  if (size > IMAGES_MAX_BYTES) {
    throw refused(
      `${label}: its images are ${size} bytes together, and at most ${IMAGES_MAX_BYTES} are sent`,
    );
  }
  return images;
}

function imageOf(what: string, value: Json): ChatImage {
  const bytes = typeof value === 'string' ? blobBytes(value) : undefined;
  if (bytes === undefined)
    throw refused(`${what} is a ${typeof value}, not a BLOB: an image is a BLOB column`);
  if (bytes.length > IMAGE_MAX_BYTES) {
    throw refused(
      `${what} is an image of ${bytes.length} bytes, and at most ${IMAGE_MAX_BYTES} are sent: make it smaller`,
    );
  }
  const start = bytes.subarray(0, 16).toString('latin1');
  const mediaType = SIGNS.find(([sign]) => sign.test(start))?.[1];
  if (mediaType === undefined) {
    throw refused(
      `${what} is no image that models take: PNG, JPEG, GIF and WebP are known by their first bytes`,
    );
  }
  return {
    mediaType,
    base64: bytes.toString('base64'),
    hash: hash('sha256', bytes, 'hex'),
    size: bytes.length,
  };
}

/** Returns the bytes of a BLOB from DuckDB's text for it: `\xNN` stands for a byte, any other character for itself. */
function blobBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let at = 0; at < text.length; ) {
    const isEscaped = text[at] === '\\';
    bytes[length++] = isEscaped
      ? Number.parseInt(text.slice(at + 2, at + 4), 16)
      : text.charCodeAt(at);
    at += isEscaped ? 4 : 1;
  }
  return bytes.subarray(0, length);
}

function refused(message: string): RvbbitError {
  return new RvbbitError('RVB_CELL', message, { stage: 'execute' });
}
