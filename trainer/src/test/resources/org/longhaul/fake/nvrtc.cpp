// The run-time compiler's stand-in: g++ on the kernel emulator and the source; what it makes is an ELF file as a cubin is.
#include "machine.h"
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

using namespace fake;

namespace {
struct Program {
    std::string source, name, log, image;
};
std::string read(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}
bool write(const std::string &path, const std::string &text) { return bool(std::ofstream(path, std::ios::binary) << text); }
}  // namespace

EXPORT const char *nvrtcGetErrorString(int result) {
    switch (result) {
        case 0: return "NVRTC_SUCCESS";
        case 3: return "NVRTC_ERROR_INVALID_INPUT";
        case 5: return "NVRTC_ERROR_INVALID_OPTION";
        case 6: return "NVRTC_ERROR_COMPILATION";
        default: return "NVRTC_ERROR unknown";
    }
}
EXPORT int nvrtcVersion(int *major, int *minor) {
    *major = 13;
    *minor = 0;
    return 0;
}
EXPORT int nvrtcCreateProgram(Program **out, const char *source, const char *name, int headers, void *, void *) {
    if (headers) return 3;
    *out = new Program{source, name, "", ""};
    return 0;
}
EXPORT int nvrtcDestroyProgram(Program **program) {
    delete *program;
    *program = nullptr;
    return 0;
}
EXPORT int nvrtcCompileProgram(Program *p, int count, const char **options) {
    std::string flags, architecture;
    for (int i = 0; i < count; i++) {
        std::string o = options[i];
        if (o.rfind("--gpu-architecture=", 0) == 0) {
            architecture = o.substr(19);
        } else if (o.rfind("-D", 0) == 0) {
            flags += " '" + o + "'";
        } else if (o != "--std=c++17" && o != "--use_fast_math" && o.rfind("-lineinfo", 0) != 0 && o.rfind("--generate-line-info", 0) != 0) {
            p->log = "nvrtc: error: invalid value for " + o;
            return 5;
        }
    }
    if (setting("LH_FAKE_NVRTC", "") == p->name) {
        p->log = p->name + "(12): error: identifier \"broken\" is undefined\n1 error detected";
        return 6;
    }
    char folderName[] = "/tmp/lh-nvrtc-XXXXXX";
    std::string work = mkdtemp(folderName), home = folder() + "/../../emulation/";
    // First only the preprocessor, to learn the kernels' names and largest blocks, macros included.
    write(work + "/scan.cpp", p->source);
    std::string compiler = "g++ -std=c++17 -w -DLH_EMULATION" + flags + " ";
    int status = system((compiler + "-E -P -D__global__=LH_GLOBAL '-D__launch_bounds__(...)=LH_BOUNDS(__VA_ARGS__)' " + work +
                         "/scan.cpp > " + work + "/scanned 2> " + work + "/log").c_str());
    std::string scanned = read(work + "/scanned"), table, facts;
    std::regex kernel("LH_GLOBAL\\s+void\\s+(?:LH_BOUNDS\\((\\d+)[^)]*\\)\\s*)?(\\w+)\\s*\\(");
    std::set<std::string> seen;
    for (std::sregex_iterator i(scanned.begin(), scanned.end(), kernel), end; i != end; ++i) {
        std::string name = (*i)[2], bounds = (*i)[1].length() ? (*i)[1].str() : "0";
        if (!seen.insert(name).second) continue;
        table += "{\"" + name + "\", [](void **s) { emulation::invoke(&" + name + ", s); }},\n";
        facts += "{\"" + name + "\", countOf(&" + name + "), " + bounds + "},\n";
    }
    write(work + "/kernels.cpp",
          read(home + "emulation.h") + p->source + "\n#line 1 \"table\"\nstruct NamedKernel { const char *name; void (*call)(void **); };\n" +
              "static const NamedKernel kernels[] = {\n" + table + "};\n" + read(home + "emulation_main.h") +
              "template <typename... A> static int countOf(void (*)(A...)) { return sizeof...(A); }\n"
              "static const struct { const char *name; int arguments, bounds; } facts[] = {\n" + facts + "};\n"
              "extern \"C\" __attribute__((visibility(\"default\"))) int lh_describe(const char *name, int *arguments, int *bounds) {\n"
              "for (auto &f : facts) if (!strcmp(f.name, name)) return *arguments = f.arguments, *bounds = f.bounds, 1;\nreturn 0; }\n"
              "extern \"C\" __attribute__((visibility(\"default\"))) const char *lh_architecture() { return \"" + architecture + "\"; }\n");
    if (status == 0) {
        status = system((compiler + "-O1 -shared -fPIC -fvisibility=hidden -o " + work + "/image " + work + "/kernels.cpp > " + work +
                         "/log 2>&1").c_str());
    }
    p->log = read(work + "/log");
    p->image = read(work + "/image");
    if (system(("rm -rf " + work).c_str())) return 11;
    return status == 0 && !p->image.empty() ? 0 : 6;
}
EXPORT int nvrtcGetCUBINSize(Program *p, long *size) {
    *size = p->image.size();
    return 0;
}
EXPORT int nvrtcGetCUBIN(Program *p, char *out) {
    memcpy(out, p->image.data(), p->image.size());
    return 0;
}
EXPORT int nvrtcGetProgramLogSize(Program *p, long *size) {
    *size = p->log.size() + 1;
    return 0;
}
EXPORT int nvrtcGetProgramLog(Program *p, char *out) {
    memcpy(out, p->log.c_str(), p->log.size() + 1);
    return 0;
}
