/** The schemas of an image and of a page of images: Nova, Cinder and openstackclient build their models from them. */
import { limits } from '../../domain/fields.ts';
import { containerFormats, diskFormats, imageStatuses, imageVisibilities } from '../../domain/image.ts';
import { type JsonSchema, pageSchema, readOnly, text, textOrNull, uuidPattern } from './collection.ts';

const minimum = (description: string): JsonSchema => ({
  type: 'integer',
  description,
  minimum: 0,
  maximum: limits.minimum,
});

const bytes = (description: string) => readOnly({ type: ['null', 'integer'], description });

/** Without `stores`, as with Glance: its command line would make a second option of that name, and start no more. */
const base: Record<string, JsonSchema> = {
  id: text('An identifier for the image', { pattern: uuidPattern }),
  name: textOrNull('Descriptive name for the image', { maxLength: limits.nameLength }),
  status: readOnly(text('Status of the image', { enum: imageStatuses })),
  visibility: text('Scope of image accessibility', { enum: imageVisibilities }),
  protected: { type: 'boolean', description: 'If true, image will not be deletable.' },
  os_hidden: {
    type: 'boolean',
    description: 'If true, image will not appear in default image list response.',
  },
  checksum: readOnly(textOrNull('md5 hash of image contents.', { maxLength: 32 })),
  os_hash_algo: readOnly(textOrNull('Algorithm to calculate the os_hash_value', { maxLength: 64 })),
  os_hash_value: readOnly(
    textOrNull('Hexdigest of the image contents using the algorithm specified by the os_hash_algo', {
      maxLength: 128,
    }),
  ),
  owner: textOrNull('Owner of the image', { maxLength: limits.ownerLength }),
  size: bytes('Size of image file in bytes'),
  virtual_size: bytes('Virtual size of image in bytes'),
  container_format: textOrNull('Format of the container', { enum: [null, ...containerFormats] }),
  disk_format: textOrNull('Format of the disk', { enum: [null, ...diskFormats] }),
  created_at: readOnly(text('Date and time of image registration')),
  updated_at: readOnly(text('Date and time of the last image modification')),
  tags: {
    type: 'array',
    description: 'List of strings related to the image',
    items: { type: 'string', maxLength: limits.tagLength },
  },
  direct_url: readOnly(text('URL to access the image file kept in external store')),
  min_ram: minimum('Amount of ram (in MB) required to boot image.'),
  min_disk: minimum('Amount of disk space (in GB) required to boot image.'),
  self: readOnly(text('An image self url')),
  file: readOnly(text('An image file url')),
  schema: readOnly(text('An image schema url')),
  locations: {
    type: 'array',
    description: 'A set of URLs to access the image file kept in external store',
    items: {
      type: 'object',
      properties: {
        url: { type: 'string', maxLength: limits.urlLength },
        metadata: { type: 'object' },
        validation_data: {
          description: 'Values to be used to populate the corresponding image properties.',
          type: 'object',
          writeOnly: true,
          properties: {
            checksum: { type: 'string', minLength: 32, maxLength: 32 },
            os_hash_algo: { type: 'string', maxLength: 64 },
            os_hash_value: { type: 'string', maxLength: 128 },
          },
          additionalProperties: false,
          required: ['os_hash_algo', 'os_hash_value'],
        },
      },
      required: ['url', 'metadata'],
    },
  },
};

const custom = (description: string): JsonSchema => ({ ...text(description), is_base: false });

/** Custom properties that the command lines of Glance offer as options of their own, as they find them here. */
const common: Record<string, JsonSchema> = {
  kernel_id: custom(
    'ID of image stored in Glance that should be used as the kernel when booting an AMI-style image.',
  ),
  ramdisk_id: custom(
    'ID of image stored in Glance that should be used as the ramdisk when booting an AMI-style image.',
  ),
  instance_uuid: custom('Metadata which can be used to record which instance this image is associated with.'),
  architecture: custom('Operating system architecture as specified in the OpenStack documentation.'),
  os_distro: custom(
    'Common name of operating system distribution as specified in the OpenStack documentation.',
  ),
  os_version: custom('Operating system version as specified by the distributor.'),
};

export const imageSchema: JsonSchema = {
  name: 'image',
  properties: { ...base, ...common },
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
};

export const imagesSchema = pageSchema('images', imageSchema);
