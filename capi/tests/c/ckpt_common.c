#include "ckpt.h"

SaNameT name_of(const char *text)
{
    SaNameT name;
    memset(&name, 0xAA, sizeof name);
    name.length = (SaUint16T)strlen(text);
    memcpy(name.value, text, strlen(text));
    return name;
}

SaCkptHandleT begin(SaUint8T major, const SaCkptCallbacksT *callbacks)
{
    SaCkptHandleT handle = 0;
    SaVersionT version = {'B', major, major};
    CHECK_IS(saCkptInitialize(&handle, callbacks, &version), SA_AIS_OK);
    CHECK(handle != 0);
    CHECK_IS(version.releaseCode, 'B');
    CHECK_IS(version.majorVersion, 2);
    CHECK_IS(version.minorVersion, 2);
    return handle;
}

SaCkptCheckpointCreationAttributesT attributes(SaUint32T flags, SaUint64T size, SaUint32T sections,
                                               SaUint64T section_size)
{
    SaCkptCheckpointCreationAttributesT it;
    memset(&it, 0xAA, sizeof it);
    it.creationFlags = flags;
    it.checkpointSize = size;
    it.retentionDuration = 0;
    it.maxSections = sections;
    it.maxSectionSize = section_size;
    it.maxSectionIdSize = 3;
    return it;
}

SaCkptCheckpointHandleT open_new(SaCkptHandleT handle, const char *text, SaUint32T flags,
                                 SaUint64T size, SaUint32T sections, SaUint64T section_size)
{
    SaNameT name = name_of(text);
    SaCkptCheckpointCreationAttributesT it = attributes(flags, size, sections, section_size);
    SaCkptCheckpointHandleT checkpoint = 0;
    CHECK_IS(saCkptCheckpointOpen(handle, &name, &it, RWC, TEN_SECONDS, &checkpoint), SA_AIS_OK);
    CHECK(checkpoint != 0);
    return checkpoint;
}

SaCkptSectionIdT section(const char *id)
{
    SaCkptSectionIdT it = {(SaUint16T)strlen(id), (SaUint8T *)id};
    return it;
}

SaAisErrorT create(SaCkptCheckpointHandleT checkpoint, const char *id, const char *data)
{
    SaCkptSectionIdT it = section(id);
    SaCkptSectionCreationAttributesT attrs = {&it, SA_TIME_END};
    return saCkptSectionCreate(checkpoint, &attrs, data, strlen(data));
}

SaCkptIOVectorElementT element(const char *id, void *data, SaUint64T size, SaUint64T offset)
{
    SaCkptIOVectorElementT it = {section(id), data, size, offset, 4711};
    return it;
}

int readable(SaCkptHandleT handle, int milliseconds)
{
    SaSelectionObjectT object;
    struct pollfd fd;
    int ready;
    CHECK_IS(saCkptSelectionObjectGet(handle, &object), SA_AIS_OK);
    fd.fd = (int)object;
    fd.events = POLLIN;
    ready = poll(&fd, 1, milliseconds);
    return ready == 1 && (fd.revents & POLLIN) != 0;
}

SaTimeT now(void)
{
    struct timespec it;
    clock_gettime(CLOCK_REALTIME, &it);
    return it.tv_sec * SA_TIME_ONE_SECOND + it.tv_nsec;
}
