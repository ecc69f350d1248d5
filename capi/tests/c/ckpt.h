/* What the tests of CKPT share. */
#ifndef CKPT_H
#define CKPT_H

#include "check.h"
#include "saCkpt.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#define DN(name) "safCkpt=" name ",safApp=safCkptService"
#define TEN_SECONDS (10 * SA_TIME_ONE_SECOND)
#define RWC (SA_CKPT_CHECKPOINT_READ | SA_CKPT_CHECKPOINT_WRITE | SA_CKPT_CHECKPOINT_CREATE)

SaNameT name_of(const char *text);
SaCkptHandleT begin(SaUint8T major, const SaCkptCallbacksT *callbacks);
SaCkptCheckpointCreationAttributesT attributes(SaUint32T flags, SaUint64T size, SaUint32T sections,
                                               SaUint64T section_size);
SaCkptCheckpointHandleT open_new(SaCkptHandleT handle, const char *name, SaUint32T flags,
                                 SaUint64T size, SaUint32T sections, SaUint64T section_size);
SaCkptSectionIdT section(const char *id);
SaAisErrorT create(SaCkptCheckpointHandleT checkpoint, const char *id, const char *data);
SaCkptIOVectorElementT element(const char *id, void *data, SaUint64T size, SaUint64T offset);
int readable(SaCkptHandleT handle, int milliseconds);
SaTimeT now(void);

#endif
