/* CKPT of release B.01: without the track extension, and without what B.02 added. */
#include "saCkpt.h"
#include "vendor.h"

FUNCTION(saCkptInitialize,
         (SaCkptHandleT *handle, const SaCkptCallbacksT *callbacks, SaVersionT *version),
         (handle, callbacks, version))
FUNCTION(saCkptSelectionObjectGet, (SaCkptHandleT handle, SaSelectionObjectT *object),
         (handle, object))
FUNCTION(saCkptDispatch, (SaCkptHandleT handle, SaDispatchFlagsT flags), (handle, flags))
FUNCTION(saCkptFinalize, (SaCkptHandleT handle), (handle))
FUNCTION(saCkptCheckpointOpen,
         (SaCkptHandleT handle, const SaNameT *name,
          const SaCkptCheckpointCreationAttributesT *attributes, SaCkptCheckpointOpenFlagsT flags,
          SaTimeT timeout, SaCkptCheckpointHandleT *opened),
         (handle, name, attributes, flags, timeout, opened))
FUNCTION(saCkptCheckpointClose, (SaCkptCheckpointHandleT it), (it))
FUNCTION(saCkptCheckpointUnlink, (SaCkptHandleT handle, const SaNameT *name), (handle, name))
FUNCTION(saCkptCheckpointStatusGet,
         (SaCkptCheckpointHandleT it, SaCkptCheckpointDescriptorT *status), (it, status))
FUNCTION(saCkptSectionCreate,
         (SaCkptCheckpointHandleT it, SaCkptSectionCreationAttributesT *attributes,
          const void *data, SaSizeT size),
         (it, attributes, data, size))
FUNCTION(saCkptSectionDelete, (SaCkptCheckpointHandleT it, const SaCkptSectionIdT *id), (it, id))
FUNCTION(saCkptSectionOverwrite,
         (SaCkptCheckpointHandleT it, const SaCkptSectionIdT *id, const void *data, SaSizeT size),
         (it, id, data, size))
FUNCTION(saCkptCheckpointWrite,
         (SaCkptCheckpointHandleT it, const SaCkptIOVectorElementT *vector, SaUint32T count,
          SaUint32T *index),
         (it, vector, count, index))
FUNCTION(saCkptCheckpointRead,
         (SaCkptCheckpointHandleT it, SaCkptIOVectorElementT *vector, SaUint32T count,
          SaUint32T *index),
         (it, vector, count, index))
FUNCTION(saCkptSectionIterationInitialize,
         (SaCkptCheckpointHandleT it, SaCkptSectionsChosenT chosen, SaTimeT expiration,
          SaCkptSectionIterationHandleT *walk),
         (it, chosen, expiration, walk))
FUNCTION(saCkptSectionIterationNext,
         (SaCkptSectionIterationHandleT walk, SaCkptSectionDescriptorT *found), (walk, found))
FUNCTION(saCkptSectionIterationFinalize, (SaCkptSectionIterationHandleT walk), (walk))
