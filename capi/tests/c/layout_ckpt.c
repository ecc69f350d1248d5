/* Sizes, offsets and values of saCkpt.h. It compiles, or something is wrong. */
#include "saCkpt.h"

#include <stddef.h>

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define VALUE(name, value) _Static_assert((long long)(name) == (long long)(value), #name)

SIZE(SaCkptHandleT, 8);
SIZE(SaCkptCheckpointHandleT, 8);
SIZE(SaCkptSectionIterationHandleT, 8);
SIZE(SaCkptCheckpointCreationFlagsT, 4);
SIZE(SaCkptCheckpointOpenFlagsT, 4);
SIZE(SaCkptSectionStateT, 4);
SIZE(SaCkptSectionsChosenT, 4);
SIZE(SaCkptCheckpointStatusT, 4);
SIZE(SaCkptStateT, 4);

SIZE(SaCkptCheckpointCreationAttributesT, 48);
AT(SaCkptCheckpointCreationAttributesT, creationFlags, 0);
AT(SaCkptCheckpointCreationAttributesT, checkpointSize, 8);
AT(SaCkptCheckpointCreationAttributesT, retentionDuration, 16);
AT(SaCkptCheckpointCreationAttributesT, maxSections, 24);
AT(SaCkptCheckpointCreationAttributesT, maxSectionSize, 32);
AT(SaCkptCheckpointCreationAttributesT, maxSectionIdSize, 40);

SIZE(SaCkptSectionIdT, 16);
AT(SaCkptSectionIdT, idLen, 0);
AT(SaCkptSectionIdT, id, 8);
SIZE(SaCkptSectionCreationAttributesT, 16);
AT(SaCkptSectionCreationAttributesT, sectionId, 0);
AT(SaCkptSectionCreationAttributesT, expirationTime, 8);
SIZE(SaCkptSectionDescriptorT, 48);
AT(SaCkptSectionDescriptorT, sectionId, 0);
AT(SaCkptSectionDescriptorT, expirationTime, 16);
AT(SaCkptSectionDescriptorT, sectionSize, 24);
AT(SaCkptSectionDescriptorT, sectionState, 32);
AT(SaCkptSectionDescriptorT, lastUpdate, 40);
SIZE(SaCkptIOVectorElementT, 48);
AT(SaCkptIOVectorElementT, sectionId, 0);
AT(SaCkptIOVectorElementT, dataBuffer, 16);
AT(SaCkptIOVectorElementT, dataSize, 24);
AT(SaCkptIOVectorElementT, dataOffset, 32);
AT(SaCkptIOVectorElementT, readSize, 40);
SIZE(SaCkptCheckpointDescriptorT, 64);
AT(SaCkptCheckpointDescriptorT, checkpointCreationAttributes, 0);
AT(SaCkptCheckpointDescriptorT, numberOfSections, 48);
AT(SaCkptCheckpointDescriptorT, memoryUsed, 56);
SIZE(SaCkptCallbacksT, 16);
AT(SaCkptCallbacksT, saCkptCheckpointOpenCallback, 0);
AT(SaCkptCallbacksT, saCkptCheckpointSynchronizeCallback, 8);
SIZE(SaCkptCallbacksT_2, 24);
AT(SaCkptCallbacksT_2, saCkptCheckpointOpenCallback, 0);
AT(SaCkptCallbacksT_2, saCkptCheckpointSynchronizeCallback, 8);
AT(SaCkptCallbacksT_2, saCkptCheckpointTrackCallback, 16);

VALUE(SA_CKPT_WR_ALL_REPLICAS, 1);
VALUE(SA_CKPT_WR_ACTIVE_REPLICA, 2);
VALUE(SA_CKPT_WR_ACTIVE_REPLICA_WEAK, 4);
VALUE(SA_CKPT_CHECKPOINT_COLLOCATED, 8);
VALUE(SA_CKPT_CHECKPOINT_READ, 1);
VALUE(SA_CKPT_CHECKPOINT_WRITE, 2);
VALUE(SA_CKPT_CHECKPOINT_CREATE, 4);
VALUE(SA_CKPT_SECTION_VALID, 1);
VALUE(SA_CKPT_SECTION_CORRUPTED, 2);
VALUE(SA_CKPT_SECTIONS_FOREVER, 1);
VALUE(SA_CKPT_SECTIONS_LEQ_EXPIRATION_TIME, 2);
VALUE(SA_CKPT_SECTIONS_GEQ_EXPIRATION_TIME, 3);
VALUE(SA_CKPT_SECTIONS_CORRUPTED, 4);
VALUE(SA_CKPT_SECTIONS_ANY, 5);
VALUE(SA_CKPT_SECTION_RESOURCES_EXHAUSTED, 1);
VALUE(SA_CKPT_SECTION_RESOURCES_AVAILABLE, 2);
VALUE(SA_CKPT_CHECKPOINT_STATUS, 1);

SaCkptSectionIdT by_default = SA_CKPT_DEFAULT_SECTION_ID;
SaCkptSectionIdT generated = SA_CKPT_GENERATED_SECTION_ID;

/* The functions have exactly these types. */
SaAisErrorT (*open_)(SaCkptHandleT, const SaNameT *, const SaCkptCheckpointCreationAttributesT *,
                     SaCkptCheckpointOpenFlagsT, SaTimeT, SaCkptCheckpointHandleT *) = saCkptCheckpointOpen;
SaAisErrorT (*write_)(SaCkptCheckpointHandleT, const SaCkptIOVectorElementT *, SaUint32T, SaUint32T *) =
    saCkptCheckpointWrite;
SaAisErrorT (*read_)(SaCkptCheckpointHandleT, SaCkptIOVectorElementT *, SaUint32T, SaUint32T *) =
    saCkptCheckpointRead;
SaAisErrorT (*create_)(SaCkptCheckpointHandleT, SaCkptSectionCreationAttributesT *, const void *, SaSizeT) =
    saCkptSectionCreate;
