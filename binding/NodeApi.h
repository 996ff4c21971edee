// node-addon-api, with the one setting that cannot be left to a build file. In an environment that is being terminated no
// call into JavaScript succeeds, not even a throw; without this the library takes that for a broken invariant and aborts.
#pragma once

#ifndef NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#endif

#include <napi.h>
