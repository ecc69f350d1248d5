/*
 * A library in the shape of another vendor's: it exports the functions of one release and nothing
 * else. What they do is done by the library at the path BELOW.
 */
#include <dlfcn.h>
#include <stdlib.h>

static void *below(const char *function)
{
    void *library = dlopen(BELOW, RTLD_NOW | RTLD_LOCAL);
    void *found = library == NULL ? NULL : dlsym(library, function);
    if (found == NULL)
        abort();
    return found;
}

#define FUNCTION(name, parameters, arguments)                                  \
    SaAisErrorT name parameters                                                \
    {                                                                          \
        return ((SaAisErrorT(*) parameters)below(#name))arguments;             \
    }
