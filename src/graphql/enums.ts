/** Choices: upper case outside, the domain's words inside. */
import type * as domain from '../domain/image.ts';
import type { ImportMethodName as MethodName } from '../domain/import.ts';
import type { FoundFormat as FoundFormatName } from '../domain/inspection.ts';
import type * as metadef from '../domain/metadef/metadef.ts';
import type { SignatureState as SignatureStateName } from '../domain/signature.ts';
import type { TaskStatus as TaskStatusName } from '../domain/task.ts';
import { builder } from './builder.ts';

type ImportMethodWord = 'staged' | 'web_download' | 'glance_download' | 'copy';

/** As the schema calls the methods of the settings. */
export const importMethodWords: Record<MethodName, ImportMethodWord> = {
  'glance-direct': 'staged',
  'web-download': 'web_download',
  'glance-download': 'glance_download',
  'copy-image': 'copy',
};

/** An enum whose names are the values in upper case; every value is described. */
function upperCaseEnum<T extends string>(name: string, description: string, values: Record<T, string>) {
  const entries = (Object.entries(values) as [T, string][]).map(
    ([value, text]) => [value.toUpperCase(), { value, description: text }] as const,
  );
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(entries) as Record<string, { value: T }>,
  });
}

export const ImageStatus = upperCaseEnum<domain.ImageStatus>(
  'ImageStatus',
  'Where an image is in its life. DELETED is only seen where a deletion is reported; KILLED comes only with old imported data.',
  {
    queued: 'Registered; waits for its data.',
    saving: 'Its data is being uploaded.',
    uploading: 'Its data is being staged, or is staged and waits for an import.',
    importing: 'An import is at work.',
    active: 'Has its data, which never changes again.',
    deactivated: 'Has its data, which only an admin can download for now.',
    killed: 'An upload of an old service failed; only with imported data.',
    deleted: 'Is gone.',
    pending_delete: 'Will be gone; only with imported data.',
  },
);

export const ImageVisibility = upperCaseEnum<domain.ImageVisibility>(
  'ImageVisibility',
  'Who sees an image.',
  {
    public: 'Everybody, in their lists.',
    community: 'Everybody, but in the lists of others only when they ask for it.',
    shared: 'Its project, and those it is shared with.',
    private: 'Its project.',
  },
);

export const DiskFormat = upperCaseEnum<domain.DiskFormat>('DiskFormat', 'What the bytes are as a disk.', {
  ami: 'Amazon machine image.',
  ari: 'Amazon ramdisk image.',
  aki: 'Amazon kernel image.',
  vhd: 'Virtual hard disk (Hyper-V, Xen).',
  vhdx: 'Virtual hard disk, second version.',
  vmdk: 'VMware disk.',
  raw: 'The bytes of the disk as they are.',
  qcow2: 'QEMU copy-on-write, version 2 or 3.',
  vdi: 'VirtualBox disk.',
  iso: 'Optical disc (ISO 9660, UDF).',
  ploop: 'Virtuozzo disk.',
  luks: 'Encrypted volume (LUKS).',
  gpt: 'Whole disk with a GUID partition table.',
});

export const ContainerFormat = upperCaseEnum<domain.ContainerFormat>(
  'ContainerFormat',
  'What is around the disk.',
  {
    bare: 'Nothing.',
    ovf: 'OVF description.',
    ova: 'OVA archive.',
    docker: 'Container image as a tar archive.',
    ami: 'Amazon machine image.',
    ari: 'Amazon ramdisk image.',
    aki: 'Amazon kernel image.',
    compressed: 'A compressed file.',
  },
);

export const ImageKind = upperCaseEnum<domain.ImageKind>(
  'ImageKind',
  'What the image is for, derived when it is written: snapshots no longer drown real images in a search.',
  {
    image: 'Something to boot from.',
    snapshot: 'A picture of an instance: image_type=snapshot, or instance_uuid is set.',
    backup: 'A rotated backup of an instance: image_type=backup.',
    volume_snapshot: 'Points to snapshots of volumes: block_device_mapping is set.',
    kernel: 'Kernel of a machine image: diskFormat AKI.',
    ramdisk: 'Ramdisk of a machine image: diskFormat ARI.',
  },
);

export const SignatureState = upperCaseEnum<SignatureStateName>(
  'SignatureState',
  'What is known of the signature of an image that has one.',
  {
    valid: 'It was checked, by a trusted certificate, for these bytes and the properties as they are now.',
    unchecked:
      'It was not: there are no bytes yet, signatures are not checked here, or its properties were set or changed after the bytes came.',
  },
);

export const MemberStatus = upperCaseEnum<domain.MemberStatus>(
  'MemberStatus',
  'What a project answered to an image that is shared with it.',
  {
    pending: 'Nothing yet: it can use the image by id, but does not find it in its list.',
    accepted: 'It finds the image in its list.',
    rejected: 'It does not want it.',
  },
);

export const ImageCopyState = upperCaseEnum<domain.CopyState>(
  'ImageCopyState',
  'Where the copy of an image in one store is in its life.',
  {
    pending: 'Asked for; nothing is there yet.',
    uploading: 'Its bytes are on the way.',
    active: 'Whole, and read from.',
    deleting: 'Is being removed.',
    failed: 'Could not be made, or was found damaged.',
  },
);

export const MetadefVisibility = upperCaseEnum<metadef.MetadefVisibility>(
  'MetadefVisibility',
  'Who sees a namespace and all that is in it.',
  { public: 'Everybody.', private: 'Its project.' },
);

export const MetadefPropertyType = upperCaseEnum<metadef.MetadefType>(
  'MetadefPropertyType',
  'What the values of a property are. On an image all values are text: this is how it is read.',
  {
    string: 'Text.',
    integer: 'A whole number.',
    number: 'A decimal number, with sign and exponent.',
    boolean: 'true/yes/on/1/t/y or false/no/off/0/f/n, in any case.',
    array: 'A list: a JSON array, words after operators such as <or>, or values between commas.',
    object: 'A JSON object.',
    null: 'Nothing.',
  },
);

export const TaskStatus = upperCaseEnum<TaskStatusName>('TaskStatus', 'Where a task is.', {
  pending: 'Waits for a worker, for the first time or again.',
  processing: 'A worker is at it.',
  success: 'Did what was asked.',
  failure: 'Did not; message says why.',
});

const importMethods: Record<ImportMethodWord, string> = {
  staged: 'Bytes that were sent to the staging area.',
  web_download: 'From a URL.',
  glance_download: 'From another image service of the same Keystone.',
  copy: 'From one store of this service to others.',
};
export const ImportMethodName = upperCaseEnum<ImportMethodWord>(
  'ImportMethodName',
  'The fields of ImportMethod that this service takes.',
  importMethods,
);

export const MetadefMode = upperCaseEnum<metadef.MetadefMode>(
  'MetadefMode',
  'What becomes of an image whose properties break their definitions.',
  {
    off: 'Nothing is looked at.',
    warn: 'It is written, and issues say what is wrong.',
    enforce: 'It is refused.',
  },
);

export const FoundFormat = upperCaseEnum<FoundFormatName>(
  'FoundFormat',
  'A format that is recognised by what is in the bytes.',
  {
    qcow2: 'QEMU copy-on-write, version 2 or 3.',
    qed: 'QEMU enhanced disk: never published.',
    vmdk: 'VMware disk.',
    vhd: 'Virtual PC and Hyper-V disk.',
    vhdx: 'Hyper-V disk.',
    vdi: 'VirtualBox disk.',
    iso: 'Optical disc: ISO 9660 or UDF.',
    mbr: 'A partition table in the first sector.',
    gpt: 'A GUID partition table.',
    luks: 'An encrypted volume, LUKS 1 or 2.',
    ploop: 'Parallels and Virtuozzo disk.',
    tar: 'An archive, as OVA and Docker images are.',
    gzip: 'Compressed with gzip.',
    xz: 'Compressed with xz.',
    zstd: 'Compressed with Zstandard.',
    bzip2: 'Compressed with bzip2.',
  },
);
