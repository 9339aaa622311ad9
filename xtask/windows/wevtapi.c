/* Stands in for wevtapi.dll, Windows' event log, whose functions Wine has as stubs.
 *
 * It serves the events of a table (events.table, beside this DLL; xtask/src/windows/table.rs writes it) by the
 * functions that evtmap calls, with the rules that Microsoft documents for them: sizes are asked for in two
 * calls, handles that are not open are refused, the end of a list is an error of its own. So it tests evtmap's
 * calls against our reading of the documentation, and not against Windows. It is never shipped. */

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define API __declspec(dllexport)
#define ERROR_NOT_THE_METADATA 15002
#define ERROR_NO_SUCH_CHANNEL 15007
#define ERROR_STALE 15011
#define ERROR_QUERY 15001

/* What a channel does that others do not. */
enum { ENABLED = 1, DENIED = 2, CLEARED = 4, BARE_PROVIDER = 8 };

/* A value: its type, its length, and its bytes. */
struct value {
    uint32_t kind, n_bytes;
    const uint8_t *bytes;
};

struct event {
    uint64_t time;
    uint32_t id, n_system, n_user, xml_units;
    struct value *system, *user;
    const uint16_t *xml;
    const struct channel *channel;
    uint32_t index;
};

struct channel {
    uint32_t flags, type, n_events;
    const uint16_t *name;
    struct event *events;
};

static struct channel *channels;
static uint32_t n_channels;

/* The table, from its first byte to its last. */
static const uint8_t *at;

static uint32_t number(void)
{
    uint32_t n;
    memcpy(&n, at, 4);
    at += 4;
    return n;
}

static const uint8_t *bytes(uint32_t n)
{
    const uint8_t *start = at;
    at += (n + 7) & ~7u;
    return start;
}

static struct value *values(uint32_t n)
{
    struct value *list = calloc(n + 1, sizeof *list);
    for (uint32_t i = 0; i < n; i++) {
        list[i].kind = number();
        list[i].n_bytes = number();
        list[i].bytes = bytes(list[i].n_bytes);
    }
    return list;
}

static void read_event(struct event *event, const struct channel *channel, uint32_t index)
{
    memcpy(&event->time, at, 8);
    at += 8;
    event->id = number();
    event->n_system = number();
    event->n_user = number();
    event->xml_units = number();
    event->system = values(event->n_system);
    event->user = values(event->n_user);
    event->xml = (const uint16_t *)bytes((event->xml_units + 1) * 2);
    event->channel = channel;
    event->index = index;
}

static void read_table(HINSTANCE self)
{
    wchar_t path[4096];
    DWORD n = GetModuleFileNameW(self, path, 4000);
    while (n > 0 && path[n - 1] != L'\\') {
        n--;
    }
    wcscpy(path + n, L"events.table");
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        return;
    }
    DWORD size = GetFileSize(file, NULL), n_read = 0;
    uint8_t *table = malloc(size + 8);
    if (!ReadFile(file, table, size, &n_read, NULL) || n_read != size) {
        size = 0;
    }
    CloseHandle(file);
    if (size < 8) {
        return;
    }
    at = table;
    n_channels = number();
    number();
    channels = calloc(n_channels, sizeof *channels);
    for (uint32_t c = 0; c < n_channels; c++) {
        channels[c].flags = number();
        channels[c].type = number();
        channels[c].n_events = number();
        uint32_t n_units = number();
        channels[c].name = (const uint16_t *)bytes(n_units * 2);
        channels[c].events = calloc(channels[c].n_events, sizeof(struct event));
        for (uint32_t i = 0; i < channels[c].n_events; i++) {
            read_event(&channels[c].events[i], &channels[c], i);
        }
    }
}

/* What is open. A handle is a place in this list and one more; a place is not used again, so that whoever uses
 * a handle that was closed is found out. */
enum kind { CLOSED, SESSION, RESULTS, EVENT, VALUES, CHANNEL_LIST, CONFIG, PUBLISHER, BOOKMARK };

struct object {
    enum kind kind;
    const struct channel *channel;
    const struct event *event;
    uint32_t next, end, flags;
    int is_backwards, is_bare;
    uint64_t since, until;
    uint32_t only_id;
    /* Of subscriptions. */
    HANDLE signal, writer;
    volatile LONG n_released, is_over;
};

#define N_PER_BLOCK 4096
static struct object *blocks[4096];
static uint32_t n_objects;
static SRWLOCK lock = SRWLOCK_INIT;

typedef uintptr_t EVT_HANDLE;

static struct object *new_object(enum kind kind, EVT_HANDLE *handle)
{
    AcquireSRWLockExclusive(&lock);
    uint32_t place = n_objects++;
    struct object **block = &blocks[place / N_PER_BLOCK];
    if (*block == NULL) {
        *block = calloc(N_PER_BLOCK, sizeof **block);
    }
    struct object *object = &(*block)[place % N_PER_BLOCK];
    ReleaseSRWLockExclusive(&lock);
    object->kind = kind;
    *handle = place + 1;
    return object;
}

/* The object of a handle, if it is open and of a kind; otherwise it is an error. */
static struct object *of_kind(EVT_HANDLE handle, enum kind kind)
{
    AcquireSRWLockShared(&lock);
    struct object *object = NULL;
    if (handle >= 1 && handle <= n_objects) {
        object = &blocks[(handle - 1) / N_PER_BLOCK][(handle - 1) % N_PER_BLOCK];
    }
    ReleaseSRWLockShared(&lock);
    if (object == NULL || object->kind != kind) {
        SetLastError(ERROR_INVALID_HANDLE);
        return NULL;
    }
    return object;
}

static int is_session(EVT_HANDLE handle)
{
    return handle == 0 || of_kind(handle, SESSION) != NULL;
}

static BOOL fails(DWORD error)
{
    SetLastError(error);
    return FALSE;
}

API BOOL WINAPI EvtClose(EVT_HANDLE handle)
{
    for (enum kind kind = SESSION; kind <= BOOKMARK; kind++) {
        struct object *object = of_kind(handle, kind);
        if (object != NULL) {
            if (object->writer != NULL) {
                object->is_over = 1;
                WaitForSingleObject(object->writer, INFINITE);
                CloseHandle(object->writer);
            }
            object->kind = CLOSED;
            return TRUE;
        }
    }
    return fails(ERROR_INVALID_HANDLE);
}

struct login {
    const wchar_t *server, *user, *domain, *password;
    DWORD flags;
};

/* There is one other computer, DC01, and all others are down. */
API EVT_HANDLE WINAPI EvtOpenSession(int class, const struct login *login, DWORD timeout, DWORD flags)
{
    EVT_HANDLE handle = 0;
    if (class != 1 || login == NULL || timeout != 0 || flags != 0) {
        return fails(ERROR_INVALID_PARAMETER);
    }
    if (_wcsicmp(login->server, L"DC01") != 0) {
        return fails(RPC_S_SERVER_UNAVAILABLE);
    }
    new_object(SESSION, &handle);
    return handle;
}

static const struct channel *channel_named(const wchar_t *name)
{
    for (uint32_t c = 0; c < n_channels; c++) {
        if (_wcsicmp((const wchar_t *)channels[c].name, name) == 0) {
            return &channels[c];
        }
    }
    return NULL;
}

/* A time as queries have it: 2026-03-02T08:00:00.123Z. */
static uint64_t time_in(const wchar_t *text)
{
    SYSTEMTIME parts = {0};
    FILETIME time;
    parts.wYear = wcstoul(text, NULL, 10);
    parts.wMonth = wcstoul(text + 5, NULL, 10);
    parts.wDay = wcstoul(text + 8, NULL, 10);
    parts.wHour = wcstoul(text + 11, NULL, 10);
    parts.wMinute = wcstoul(text + 14, NULL, 10);
    parts.wSecond = wcstoul(text + 17, NULL, 10);
    parts.wMilliseconds = wcstoul(text + 20, NULL, 10);
    if (!SystemTimeToFileTime(&parts, &time)) {
        return 0;
    }
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

/* Of XPath it knows `*`, a range of times and one event id, which is what the tests ask for. */
static BOOL understand(struct object *object, const wchar_t *query)
{
    object->until = UINT64_MAX;
    if (query == NULL || wcscmp(query, L"*") == 0) {
        return TRUE;
    }
    const wchar_t *since = wcsstr(query, L"@SystemTime>='");
    const wchar_t *until = wcsstr(query, L"@SystemTime<='");
    const wchar_t *id = wcsstr(query, L"EventID=");
    if (wcsncmp(query, L"*[System[", 9) != 0 || (since == NULL && until == NULL && id == NULL)) {
        return FALSE;
    }
    if (since != NULL) {
        object->since = time_in(since + 14);
    }
    if (until != NULL) {
        object->until = time_in(until + 14);
    }
    if (id != NULL) {
        object->only_id = wcstoul(id + 8, NULL, 10);
    }
    return TRUE;
}

API EVT_HANDLE WINAPI EvtQuery(EVT_HANDLE session, const wchar_t *path, const wchar_t *query, DWORD flags)
{
    EVT_HANDLE handle = 0;
    if (!is_session(session)) {
        return 0;
    }
    const wchar_t *name = path;
    if (flags & 2) {
        /* An exported log: it is looked for, and what the channel of its name has is served. */
        if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES) {
            return fails(ERROR_FILE_NOT_FOUND);
        }
        const wchar_t *cut = wcsrchr(path, L'\\');
        wchar_t *base = _wcsdup(cut == NULL ? path : cut + 1);
        base[wcscspn(base, L".")] = 0;
        name = base;
    }
    const struct channel *channel = channel_named(name);
    if (channel == NULL) {
        return fails(ERROR_NO_SUCH_CHANNEL);
    }
    if (channel->flags & DENIED) {
        return fails(ERROR_ACCESS_DENIED);
    }
    struct object *object = new_object(RESULTS, &handle);
    object->channel = channel;
    object->end = channel->n_events;
    object->is_backwards = (flags & 0x200) != 0;
    if (!understand(object, query)) {
        EvtClose(handle);
        return fails(ERROR_QUERY);
    }
    return handle;
}

static int is_wanted(const struct object *results, const struct event *event)
{
    return event->time >= results->since && event->time <= results->until
        && (results->only_id == 0 || event->id == results->only_id);
}

API BOOL WINAPI EvtNext(EVT_HANDLE handle, DWORD n_at_most, EVT_HANDLE *events, DWORD timeout, DWORD flags,
                        DWORD *n_given)
{
    struct object *results = of_kind(handle, RESULTS);
    if (results == NULL || flags != 0) {
        return FALSE;
    }
    (void)timeout;
    *n_given = 0;
    if (n_at_most > 1024) {
        return fails(RPC_S_INVALID_BOUND);
    }
    uint32_t end = results->writer != NULL ? (uint32_t)results->n_released : results->end;
    while (*n_given < n_at_most && results->next < end) {
        /* The log is cleared once half of it was read. */
        if ((results->channel->flags & CLEARED) && results->next >= results->end / 2) {
            if (*n_given > 0) {
                return TRUE;
            }
            return fails(ERROR_STALE);
        }
        uint32_t place = results->is_backwards ? end - 1 - results->next : results->next;
        results->next++;
        const struct event *event = &results->channel->events[place];
        if (is_wanted(results, event)) {
            new_object(EVENT, &events[*n_given])->event = event;
            ++*n_given;
        }
    }
    return *n_given > 0 ? TRUE : fails(ERROR_NO_MORE_ITEMS);
}

API EVT_HANDLE WINAPI EvtCreateRenderContext(DWORD n_paths, const wchar_t **paths, DWORD flags)
{
    EVT_HANDLE handle = 0;
    if (n_paths != 0 || paths != NULL || flags < 1 || flags > 2) {
        return fails(ERROR_INVALID_PARAMETER);
    }
    new_object(VALUES, &handle)->flags = flags;
    return handle;
}

struct variant {
    union {
        uint64_t own;
        const void *where;
    };
    uint32_t count, kind;
};

static int is_behind(uint32_t kind)
{
    return kind == 1 || kind == 14 || kind == 15 || kind == 19 || kind >= 128;
}

static BOOL put_values(const struct value *list, uint32_t n, DWORD size, void *buffer, DWORD *n_used)
{
    DWORD needed = n * sizeof(struct variant);
    for (uint32_t i = 0; i < n; i++) {
        needed += is_behind(list[i].kind) ? (list[i].n_bytes + 2 + 7) & ~7u : 0;
    }
    *n_used = needed;
    if (needed > size) {
        return fails(ERROR_INSUFFICIENT_BUFFER);
    }
    struct variant *variants = buffer;
    uint8_t *behind = (uint8_t *)(variants + n);
    for (uint32_t i = 0; i < n; i++) {
        variants[i] = (struct variant){.own = 0, .count = 0, .kind = list[i].kind};
        if (is_behind(list[i].kind)) {
            memset(behind, 0, (list[i].n_bytes + 2 + 7) & ~7u);
            memcpy(behind, list[i].bytes, list[i].n_bytes);
            variants[i].where = behind;
            variants[i].count = list[i].kind == 14 ? list[i].n_bytes : 1;
            behind += (list[i].n_bytes + 2 + 7) & ~7u;
        } else {
            memcpy(&variants[i].own, list[i].bytes, list[i].n_bytes > 8 ? 8 : list[i].n_bytes);
        }
    }
    return TRUE;
}

/* `size` and `n_used` are in bytes. */
static BOOL put_text(const wchar_t *text, size_t n_units, DWORD size, void *buffer, DWORD *n_used)
{
    *n_used = (DWORD)((n_units + 1) * 2);
    if (*n_used > size) {
        return fails(ERROR_INSUFFICIENT_BUFFER);
    }
    memcpy(buffer, text, n_units * 2);
    ((uint16_t *)buffer)[n_units] = 0;
    return TRUE;
}

static BOOL put_bookmark(const struct object *bookmark, DWORD size, void *buffer, DWORD *n_used)
{
    wchar_t text[1024] = L"<BookmarkList>\r\n</BookmarkList>";
    if (bookmark->channel != NULL) {
        _snwprintf(text, 1023, L"<BookmarkList>\r\n  <Bookmark Channel='%ls' RecordId='%u' IsCurrent='true'/>\r\n</BookmarkList>",
                   (const wchar_t *)bookmark->channel->name, bookmark->next);
    }
    return put_text(text, wcslen(text), size, buffer, n_used);
}

API BOOL WINAPI EvtRender(EVT_HANDLE context, EVT_HANDLE fragment, DWORD flags, DWORD size, void *buffer,
                          DWORD *n_used, DWORD *n_values)
{
    *n_values = 0;
    if (flags == 2) {
        const struct object *bookmark = of_kind(fragment, BOOKMARK);
        return bookmark != NULL && put_bookmark(bookmark, size, buffer, n_used);
    }
    const struct object *event = of_kind(fragment, EVENT);
    if (event == NULL) {
        return FALSE;
    }
    if (flags == 1) {
        return put_text((const wchar_t *)event->event->xml, event->event->xml_units, size, buffer, n_used);
    }
    const struct object *which = of_kind(context, VALUES);
    if (which == NULL) {
        return FALSE;
    }
    int is_system = which->flags == 1;
    const struct value *list = is_system ? event->event->system : event->event->user;
    *n_values = is_system ? event->event->n_system : event->event->n_user;
    return put_values(list, *n_values, size, buffer, n_used);
}

API EVT_HANDLE WINAPI EvtOpenChannelEnum(EVT_HANDLE session, DWORD flags)
{
    EVT_HANDLE handle = 0;
    if (!is_session(session) || flags != 0) {
        return 0;
    }
    new_object(CHANNEL_LIST, &handle);
    return handle;
}

API BOOL WINAPI EvtNextChannelPath(EVT_HANDLE handle, DWORD n_units, wchar_t *buffer, DWORD *n_used)
{
    struct object *list = of_kind(handle, CHANNEL_LIST);
    if (list == NULL) {
        return FALSE;
    }
    if (list->next >= n_channels) {
        return fails(ERROR_NO_MORE_ITEMS);
    }
    const wchar_t *name = (const wchar_t *)channels[list->next].name;
    DWORD n_bytes = 0;
    BOOL is_put = put_text(name, wcslen(name), n_units * 2, buffer, &n_bytes);
    *n_used = n_bytes / 2;
    list->next += is_put ? 1 : 0;
    return is_put;
}

API EVT_HANDLE WINAPI EvtOpenChannelConfig(EVT_HANDLE session, const wchar_t *name, DWORD flags)
{
    EVT_HANDLE handle = 0;
    if (!is_session(session) || flags != 0) {
        return 0;
    }
    const struct channel *channel = channel_named(name);
    if (channel == NULL) {
        return fails(ERROR_NO_SUCH_CHANNEL);
    }
    new_object(CONFIG, &handle)->channel = channel;
    return handle;
}

API BOOL WINAPI EvtGetChannelConfigProperty(EVT_HANDLE handle, int property, DWORD flags, DWORD size,
                                            struct variant *buffer, DWORD *n_used)
{
    const struct object *config = of_kind(handle, CONFIG);
    if (config == NULL || flags != 0) {
        return FALSE;
    }
    *n_used = sizeof *buffer;
    if (size < sizeof *buffer) {
        return fails(ERROR_INSUFFICIENT_BUFFER);
    }
    uint64_t own = property == 0 ? config->channel->flags & ENABLED : config->channel->type;
    *buffer = (struct variant){.own = own, .count = 0, .kind = property == 0 ? 13 : 8};
    return TRUE;
}

API EVT_HANDLE WINAPI EvtOpenPublisherMetadata(EVT_HANDLE session, const wchar_t *provider, const wchar_t *file,
                                               DWORD locale, DWORD flags)
{
    EVT_HANDLE handle = 0;
    if (!is_session(session) || file != NULL || locale != 0 || flags != 0) {
        return 0;
    }
    if (wcscmp(provider, L"StandIn-Bare") == 0) {
        return fails(ERROR_NOT_THE_METADATA);
    }
    new_object(PUBLISHER, &handle);
    return handle;
}

API BOOL WINAPI EvtFormatMessage(EVT_HANDLE publisher, EVT_HANDLE handle, DWORD id, DWORD n_values,
                                 const struct variant *values, DWORD flags, DWORD n_units, wchar_t *buffer,
                                 DWORD *n_used)
{
    const struct object *event = of_kind(handle, EVENT);
    if (event == NULL || of_kind(publisher, PUBLISHER) == NULL || id != 0 || n_values != 0 || values != NULL || flags != 1) {
        return FALSE;
    }
    wchar_t text[64];
    DWORD n_bytes = 0;
    _snwprintf(text, 63, L"This is the message of event %u.", event->event->id);
    BOOL is_put = put_text(text, wcslen(text), n_units * 2, buffer, &n_bytes);
    *n_used = n_bytes / 2;
    return is_put;
}

API EVT_HANDLE WINAPI EvtCreateBookmark(const wchar_t *xml)
{
    EVT_HANDLE handle = 0;
    const wchar_t *name = xml == NULL ? NULL : wcsstr(xml, L"Channel='");
    const wchar_t *place = xml == NULL ? NULL : wcsstr(xml, L"RecordId='");
    if (xml != NULL && wcsstr(xml, L"<BookmarkList>") == NULL) {
        return fails(ERROR_INVALID_PARAMETER);
    }
    struct object *bookmark = new_object(BOOKMARK, &handle);
    if (name != NULL && place != NULL) {
        wchar_t *channel = _wcsdup(name + 9);
        channel[wcscspn(channel, L"'")] = 0;
        bookmark->channel = channel_named(channel);
        bookmark->next = wcstoul(place + 10, NULL, 10);
    }
    return handle;
}

API BOOL WINAPI EvtUpdateBookmark(EVT_HANDLE handle, EVT_HANDLE event)
{
    struct object *bookmark = of_kind(handle, BOOKMARK);
    const struct object *to = of_kind(event, EVENT);
    if (bookmark == NULL || to == NULL) {
        return FALSE;
    }
    bookmark->channel = to->event->channel;
    bookmark->next = to->event->index;
    return TRUE;
}

/* Half of the events are there when somebody subscribes, and the others are written one after the other. */
static DWORD WINAPI write_events(void *of)
{
    struct object *subscription = of;
    while (!subscription->is_over && subscription->n_released < (LONG)subscription->end) {
        Sleep(5);
        LONG n = subscription->n_released + 25;
        subscription->n_released = n < (LONG)subscription->end ? n : (LONG)subscription->end;
        SetEvent(subscription->signal);
    }
    return 0;
}

API EVT_HANDLE WINAPI EvtSubscribe(EVT_HANDLE session, HANDLE signal, const wchar_t *path, const wchar_t *query,
                                   EVT_HANDLE bookmark, void *context, void *callback, DWORD flags)
{
    EVT_HANDLE handle = 0;
    DWORD origin = flags & 3;
    const struct object *place = origin == 3 ? of_kind(bookmark, BOOKMARK) : NULL;
    if (!is_session(session) || (origin == 3 && place == NULL)) {
        return 0;
    }
    if (signal == NULL || callback != NULL || context != NULL || (origin != 3 && bookmark != 0) || origin == 0) {
        return fails(ERROR_INVALID_PARAMETER);
    }
    const struct channel *channel = channel_named(path);
    if (channel == NULL) {
        return fails(ERROR_NO_SUCH_CHANNEL);
    }
    if (channel->flags & DENIED) {
        return fails(ERROR_ACCESS_DENIED);
    }
    int is_gone = origin == 3 && (place->channel != channel || place->next >= channel->n_events);
    struct object *subscription = new_object(RESULTS, &handle);
    subscription->channel = channel;
    subscription->end = channel->n_events;
    if (!understand(subscription, query)) {
        EvtClose(handle);
        return fails(ERROR_QUERY);
    }
    /* Strict: the event of the bookmark has to be among those that the query finds. */
    if (origin == 3 && (flags & 0x10000) && (is_gone || !is_wanted(subscription, &channel->events[place->next]))) {
        EvtClose(handle);
        return fails(ERROR_NOT_FOUND);
    }
    LONG half = channel->n_events / 2;
    subscription->next = origin == 1 ? (uint32_t)half : origin == 2 ? 0 : place->next + 1;
    subscription->n_released = half > (LONG)subscription->next ? half : (LONG)subscription->next;
    subscription->signal = signal;
    SetEvent(signal);
    subscription->writer = CreateThread(NULL, 0, write_events, subscription, 0, NULL);
    return handle;
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved)
{
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        read_table(self);
    }
    return TRUE;
}
