/* Sections: creating, deleting, expiring, walking over. */
#include "ckpt.h"

void test_saCkptSectionCreate(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("create"), SA_CKPT_WR_ALL_REPLICAS, 340, 4, 85);
    SaCkptSectionIdT id = section("11");
    SaCkptSectionCreationAttributesT attrs = {&id, SA_TIME_END};
    char large[100] = {0};
    CHECK_IS(saCkptSectionCreate(it, &attrs, "0123456789abc", 13), SA_AIS_OK);
    CHECK_IS(saCkptSectionCreate(it, &attrs, "0123456789abc", 13), SA_AIS_ERR_EXIST);
    CHECK_IS(saCkptSectionCreate(it, NULL, "x", 1), SA_AIS_ERR_INVALID_PARAM);
    attrs.sectionId = NULL;
    CHECK_IS(saCkptSectionCreate(it, &attrs, "x", 1), SA_AIS_ERR_INVALID_PARAM);
    attrs.sectionId = &id;
    id.idLen = 0;
    CHECK_IS(saCkptSectionCreate(it, &attrs, "x", 1), SA_AIS_ERR_INVALID_PARAM);
    id = (SaCkptSectionIdT){3, NULL};
    CHECK_IS(saCkptSectionCreate(it, &attrs, "x", 1), SA_AIS_ERR_INVALID_PARAM);
    id = section("12345678");
    CHECK_IS(saCkptSectionCreate(it, &attrs, "x", 1), SA_AIS_ERR_INVALID_PARAM);
    id = section("12");
    CHECK_IS(saCkptSectionCreate(it, &attrs, NULL, 13), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionCreate(it, &attrs, large, 86), SA_AIS_ERR_INVALID_PARAM);
    /* The buffer is shorter than the wrong size says: it is not looked at. */
    CHECK_IS(saCkptSectionCreate(it, &attrs, large, 1ULL << 40), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionCreate(it, &attrs, large, ~0ULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionCreate(it, &attrs, NULL, 0), SA_AIS_OK);
    CHECK_IS(saCkptSectionCreate(handle, &attrs, "x", 1), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(create(it, "13", "x"), SA_AIS_OK);
    CHECK_IS(create(it, "14", "x"), SA_AIS_OK);
    CHECK_IS(create(it, "15", "x"), SA_AIS_ERR_NO_SPACE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptSectionIdFree(void)
{
    SaCkptHandleT handle = begin(2, NULL), old = begin(1, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("generated"), SA_CKPT_WR_ALL_REPLICAS, 340, 4, 85);
    SaCkptSectionIdT one = SA_CKPT_GENERATED_SECTION_ID, two = SA_CKPT_GENERATED_SECTION_ID;
    SaCkptSectionCreationAttributesT attrs = {&one, SA_TIME_END};
    SaUint8T mine = 0;
    SaUint8T *id;
    CHECK_IS(saCkptSectionCreate(it, &attrs, "x", 1), SA_AIS_OK);
    CHECK(one.id != NULL && one.idLen >= 1 && one.idLen <= 3);
    attrs.sectionId = &two;
    CHECK_IS(saCkptSectionCreate(it, &attrs, "x", 1), SA_AIS_OK);
    CHECK(one.idLen != two.idLen || memcmp(one.id, two.id, one.idLen) != 0);
    CHECK_IS(saCkptSectionOverwrite(it, &one, "y", 1), SA_AIS_OK);
    CHECK_IS(saCkptSectionDelete(it, &one), SA_AIS_OK);
    id = one.id;
    CHECK_IS(saCkptSectionIdFree(it, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionIdFree(it, &mine), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionIdFree(0, id), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIdFree(it, id), SA_AIS_OK);
    CHECK_IS(saCkptSectionIdFree(it, id), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionIdFree(it, two.id), SA_AIS_OK);
    /* Programs of B.01 use free. */
    it = open_new(old, "generated-old", SA_CKPT_WR_ALL_REPLICAS, 340, 4, 85);
    one = (SaCkptSectionIdT)SA_CKPT_GENERATED_SECTION_ID;
    attrs.sectionId = &one;
    CHECK_IS(saCkptSectionCreate(it, &attrs, "x", 1), SA_AIS_OK);
    free(one.id);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
    CHECK_IS(saCkptFinalize(old), SA_AIS_OK);
}

void test_saCkptSectionDelete(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("delete"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptCheckpointHandleT one = open_new(handle, DN("single"), SA_CKPT_WR_ALL_REPLICAS, 85, 1, 85);
    SaCkptSectionIdT id = section("11"), none = SA_CKPT_DEFAULT_SECTION_ID;
    CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
    CHECK_IS(saCkptSectionDelete(it, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionDelete(it, &none), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionDelete(one, &none), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionDelete(it, &id), SA_AIS_OK);
    CHECK_IS(saCkptSectionDelete(it, &id), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saCkptSectionDelete(handle, &id), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptSectionExpirationTimeSet(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("expire"), SA_CKPT_WR_ALL_REPLICAS, 169, 2, 85);
    SaCkptSectionIdT id = section("11"), other = section("22");
    CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
    CHECK_IS(saCkptSectionExpirationTimeSet(it, &id, now() + SA_TIME_ONE_HOUR), SA_AIS_OK);
    CHECK_IS(saCkptSectionExpirationTimeSet(it, &id, SA_TIME_END), SA_AIS_OK);
    CHECK_IS(saCkptSectionExpirationTimeSet(it, NULL, SA_TIME_END), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionExpirationTimeSet(it, &id, -1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionExpirationTimeSet(it, &id, 1), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionExpirationTimeSet(it, &other, SA_TIME_END), SA_AIS_ERR_NOT_EXIST);
    CHECK_IS(saCkptSectionExpirationTimeSet(0, &id, SA_TIME_END), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}

void test_saCkptSectionIteration(void)
{
    SaCkptHandleT handle = begin(2, NULL);
    SaCkptCheckpointHandleT it = open_new(handle, DN("iterate"), SA_CKPT_WR_ALL_REPLICAS, 340, 4, 85);
    SaCkptSectionIterationHandleT walk;
    SaCkptSectionDescriptorT found;
    SaTimeT before = now();
    int seen = 0, rounds;
    CHECK_IS(create(it, "11", "x"), SA_AIS_OK);
    CHECK_IS(create(it, "222", "four"), SA_AIS_OK);
    CHECK_IS(saCkptSectionIterationInitialize(it, SA_CKPT_SECTIONS_ANY, 0, NULL),
             SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionIterationInitialize(it, 0, 0, &walk), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionIterationInitialize(it, 6, 0, &walk), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionIterationInitialize(handle, SA_CKPT_SECTIONS_ANY, 0, &walk),
             SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIterationInitialize(it, SA_CKPT_SECTIONS_ANY, 0, &walk), SA_AIS_OK);
    CHECK_IS(saCkptSectionIterationNext(walk, NULL), SA_AIS_ERR_INVALID_PARAM);
    CHECK_IS(saCkptSectionIterationNext(it, &found), SA_AIS_ERR_BAD_HANDLE);
    for (rounds = 0; rounds < 2; rounds++) {
        memset(&found, 0xAA, sizeof found);
        CHECK_IS(saCkptSectionIterationNext(walk, &found), SA_AIS_OK);
        CHECK_IS(found.sectionState, SA_CKPT_SECTION_VALID);
        CHECK_IS(found.expirationTime, SA_TIME_END);
        /* The node and this program have the same clock; a little is granted all the same. */
        CHECK(found.lastUpdate > before - SA_TIME_ONE_MINUTE && found.lastUpdate < now() + SA_TIME_ONE_MINUTE);
        if (found.sectionId.idLen == 2 && memcmp(found.sectionId.id, "11", 2) == 0) {
            CHECK_IS(found.sectionSize, 1);
            seen |= 1;
        } else if (found.sectionId.idLen == 3 && memcmp(found.sectionId.id, "222", 3) == 0) {
            CHECK_IS(found.sectionSize, 4);
            seen |= 2;
        }
    }
    CHECK_IS(seen, 3);
    CHECK_IS(saCkptSectionIterationNext(walk, &found), SA_AIS_ERR_NO_SECTIONS);
    CHECK_IS(saCkptSectionIterationNext(walk, &found), SA_AIS_ERR_NO_SECTIONS);
    CHECK_IS(saCkptSectionIterationFinalize(walk), SA_AIS_OK);
    CHECK_IS(saCkptSectionIterationFinalize(walk), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIterationNext(walk, &found), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptSectionIterationFinalize(0), SA_AIS_ERR_BAD_HANDLE);
    CHECK_IS(saCkptFinalize(handle), SA_AIS_OK);
}
