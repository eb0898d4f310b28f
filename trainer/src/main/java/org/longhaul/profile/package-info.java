/** Where a step's time goes: ranges, operations and collectives with their times on the device, as a page and as a trace. */
package org.longhaul.profile;
